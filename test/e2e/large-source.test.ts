import { execFileSync } from 'node:child_process';
import { chmod, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SETTLED_MS } from '#engine/slug/source-mark.ts';
import { build, scripts, type WorkFolder, workFolder } from './support/buildpack.ts';
import { whyNoDocker } from './support/docker.ts';
import { type Host, startHost, waitFor } from './support/host.ts';

const APP = 'large';
const FILES = 1_200;
const ENV = { SLIPWAY_RUNTIME: 'docker' };
/** Prints one line that stands for all paths, modes, contents and links of the working folder. */
const SUM = String.raw`{ find . -type f -printf '%m %p\n' -o -type l -printf 'l %p %l\n'; find . -type f -print0 | sort -z | xargs -0 cat; } | sort | cksum`;
/** Tells what the build begins with, and then does to its folder what builds do. */
const COMPILE = `cd "$1"
echo "       sum $(${SUM})"
while [ -e wait ]; do echo "       waits"; sleep 1; done
mkdir -p node_modules/x && echo made | tee node_modules/x/y > src/0/made && echo changed >> src/1/1.txt
[ ! -e fail ]`;

/** Deploys of a folder with more files than are sent each time. */
describe.skipIf(whyNoDocker() !== null)('a large source on Docker', () => {
  let host: Host;
  let work: WorkFolder;
  let folder: string;

  beforeAll(async () => {
    work = await workFolder();
    const files: Record<string, string> = { Procfile: 'worker: sleep 9\n' };
    for (let at = 0; at < FILES; at += 1) files[`src/${at % 40}/${at}.txt`] = `file ${at}\n`;
    folder = await work.files('app', files);
    host = await startHost(ENV);
    await host.client.call('apps.create', { name: APP });
    const buildpack = await work.files('buildpack', scripts('Sum', COMPILE, 'echo {}'));
    await host.client.call('buildpacks.set', { app: APP, buildpacks: [buildpack] });
    const { ctimeMs } = await stat(join(folder, `src/39/${FILES - 1}.txt`));
    await waitFor('the files to be old enough', () => Promise.resolve(Date.now() > ctimeMs + 2 * SETTLED_MS));
  });
  afterAll(async () => {
    await host.stop();
    await work.remove();
  });

  /** Deploys the folder, and looks that the build began with what is in it. @returns how many files were sent; null for all */
  async function deployed(status = 'succeeded'): Promise<number | null> {
    const { build: ended, output } = await build(host, APP, folder);
    expect(ended.status).toBe(status);
    const sum = execFileSync('bash', ['-c', SUM], { cwd: folder, encoding: 'utf8' }).trim();
    expect(output).toContain(`       sum ${sum}\n`);
    const told = / {7}(\d+) of \d+ files of the source are new or changed since the last build\.\n/.exec(
      output,
    );
    return told?.[1] === undefined ? null : Number(told[1]);
  }

  it('travels once, and again only what has changed or what the build itself has changed', async () => {
    expect(await deployed()).toBeNull();
    expect(await deployed()).toBe(1);
    await work.files('app', { 'src/2/2.txt': 'FILE 2\n', 'new/file': 'new\n' });
    await rm(join(folder, 'src/3/3.txt'));
    await chmod(join(folder, 'src/4/4.txt'), 0o755);
    await rename(join(folder, 'src/5/5.txt'), join(folder, 'src/5/moved.txt'));
    await rm(join(folder, 'src/6'), { recursive: true });
    await work.files('app', { 'src/6': 'a file now\n', 'src/7/47.txt.d/x': 'a folder\n' });
    await symlink('47.txt', join(folder, 'src/7/link'));
    expect(await deployed()).toBe(8);
    expect(await deployed()).toBeLessThanOrEqual(8);
  });

  it('is right after a build that failed', async () => {
    await work.files('app', { fail: '', 'src/8/8.txt': 'FILE 8\n' });
    expect(await deployed('failed')).toBeLessThanOrEqual(10);
    await rm(join(folder, 'fail'));
    expect(await deployed()).toBeLessThanOrEqual(10);
  });

  it('travels as a whole once the cache was purged', async () => {
    await host.client.call('builds.purgeCache', { app: APP });
    expect(await deployed()).toBeNull();
    expect(await deployed()).toBeLessThanOrEqual(10);
  });

  it('is right after the engine was killed in the middle of a build', async () => {
    await work.files('app', { wait: '' });
    const { id } = await host.client.call('builds.start', {
      app: APP,
      source: { kind: 'folder', path: folder },
    });
    for await (const items of host.client.open('builds.output', { app: APP, build: id }))
      if (items.some(({ text }) => text.includes('       waits'))) break;
    await host.kill();
    await rm(join(folder, 'wait'));
    host = await startHost(ENV, host.home);
    expect(await deployed()).toBeNull();
    expect(await deployed()).toBeLessThanOrEqual(10);
  });
});
