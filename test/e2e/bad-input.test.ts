import { mkdir, mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Build } from '#shared/model/build.ts';
import { deploy, type Host, startHost } from './support/host.ts';
import { get } from './support/load.ts';

const APP = 'odd';
const SERVER =
  "require('http').createServer((_, answer) => answer.end('it works')).listen(process.env.PORT);\n";

let host: Host;
let folder: string;
/** Slugs and boxes that are there before a deploy. */
let before: readonly string[][];

beforeAll(async () => {
  host = await startHost({ SLIPWAY_RUNTIME: 'process' });
  // With the last app that was built an engine's downloads go: one stays, so that not each test fetches them anew.
  const good = await mkdtemp(join(tmpdir(), 'slipway-good-'));
  await project(GOOD, good);
  await host.client.call('apps.create', { name: 'stays' });
  expect((await deploy(host, 'stays', good)).failure).toBeNull();
  await rm(good, { recursive: true });
});

afterAll(async () => {
  await host.client.call('apps.destroy', { app: 'stays', confirm: 'stays' });
  await host.stop();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-odd-'));
  before = await kept();
  await host.client.call('apps.create', { name: APP });
});

afterEach(async () => {
  await host.client.call('apps.destroy', { app: APP, confirm: APP });
  await rm(folder, { recursive: true, force: true });
});

async function project(files: Readonly<Record<string, string>>, into = folder): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(into, name), content);
}

/** Slugs and boxes of builds that the engine keeps. */
function kept(): Promise<string[][]> {
  return Promise.all(
    [join(host.home, 'slugs'), join(host.home, 'runtime', 'builds')].map((it) => readdir(it)),
  );
}

const GOOD = {
  'package.json': '{"name":"odd","engines":{"node":"24.x"}}',
  Procfile: 'web: node server.js\n',
  'server.js': SERVER,
};

/** A deploy that has to fail, and leaves nothing but its record. */
async function failing(path = folder): Promise<NonNullable<Build['failure']>> {
  const build = await deploy(host, APP, path);
  expect(build).toMatchObject({ status: 'failed', release: null });
  expect((await host.client.call('apps.get', { app: APP })).release).toBe(2);
  expect(await kept()).toEqual(before);
  return build.failure ?? { code: 'internal', message: '' };
}

async function working(): Promise<void> {
  const build = await deploy(host, APP, folder);
  expect(build.failure).toBeNull();
  expect((await get(host.routerPort, APP, '/')).body).toBe('it works');
}

describe('a deploy of', () => {
  it('a folder that says nowhere how it starts fails with what to write', async () => {
    await project({ 'package.json': '{"name":"odd"}', 'index.js': '' });
    const failure = await failing();
    expect(failure.code).toBe('procfile_invalid');
    expect(failure.message).toMatch(/Add a file named Procfile/);
  });

  it('a package.json with a syntax error fails, and a corrected one works', async () => {
    await project({ ...GOOD, 'package.json': '{"name": "odd",,}' });
    expect((await failing()).code).toBe('compile_failed');
    await project(GOOD);
    await working();
  });

  it('an empty package.json fails', async () => {
    await project({ ...GOOD, 'package.json': '' });
    expect((await failing()).code).toBe('compile_failed');
  });

  it('a Procfile with rubbish between good lines works', async () => {
    await project({ ...GOOD, Procfile: 'what is this\nweb: node server.js\n::::\n' });
    await working();
  });

  it('a Procfile of nothing but rubbish fails and names the lines', async () => {
    await project({ ...GOOD, Procfile: 'rubbish\nmore rubbish\n' });
    const failure = await failing();
    expect(failure).toMatchObject({ code: 'procfile_invalid' });
    expect(failure.message).toContain('line 2: more rubbish');
  });

  it('a folder without a known language fails', async () => {
    await project({ 'notes.txt': 'hello' });
    expect((await failing()).code).toBe('no_buildpack');
  });

  it('a folder that is missing, a file, or empty fails', async () => {
    expect((await failing(join(folder, 'nowhere'))).code).toBe('source_missing');
    await project({ file: 'x' });
    expect((await failing(join(folder, 'file'))).code).toBe('source_not_a_folder');
    await rm(join(folder, 'file'));
    expect((await failing()).code).toBe('source_empty');
  });

  it('a folder without permission fails', async ({ skip }) => {
    if (process.getuid?.() === 0) {
      console.log('root may read everything: the test of a folder without permission is skipped');
      skip();
    }
    await project(GOOD);
    await mkdir(join(folder, 'secret'), { mode: 0 });
    expect((await failing()).code).toBe('source_unreadable');
  });

  it('a link that leads out of the tree fails and names the link', async () => {
    await project(GOOD);
    await symlink('/etc/passwd', join(folder, 'outside'));
    expect(await failing()).toMatchObject({
      code: 'source_unsafe',
      message: expect.stringContaining('outside') as string,
    });
    await rm(join(folder, 'outside'));
    await symlink('server.js', join(folder, 'inside.js'));
    await working();
  });

  it('files with spaces, line ends and UTF-8 in their names works', async () => {
    await project({ ...GOOD, 'a b.txt': '1', 'line\nend.txt': '2', 'größe 図.txt': '3', '-dash.txt': '4' });
    const list =
      "require('fs').readdirSync(process.env.HOME).filter(name => name.endsWith('.txt')).join('|')";
    await project({
      'server.js': `require('http').createServer((_, answer) => answer.end(${list})).listen(process.env.PORT);\n`,
    });
    expect((await deploy(host, APP, folder)).failure).toBeNull();
    const names = (await get(host.routerPort, APP, '/')).body.split('|').sort();
    expect(names).toEqual(['-dash.txt', 'a b.txt', 'größe 図.txt', 'line\nend.txt'].sort());
  });

  it('100 000 small files works', async () => {
    await project(GOOD);
    for (let part = 0; part < 100; part += 1) {
      const own = join(folder, 'data', String(part));
      await mkdir(own, { recursive: true });
      await Promise.all(
        Array.from({ length: 1_000 }, (_, at) => writeFile(join(own, `${at}.txt`), `${part} ${at}`)),
      );
    }
    await working();
  });

  it('600 MB that do not compress fails with the platform’s text', async () => {
    await project(GOOD);
    const file = await open(join(folder, 'large.bin'), 'w');
    const chunk = Buffer.alloc(50 * 2 ** 20);
    for (let at = 0; at < 12; at += 1) await file.write(randomFillSync(chunk));
    await file.close();
    const failure = await failing();
    expect(failure.code).toBe('slug_too_large');
    expect(failure.message).toMatch(/is too large \(max is 500M\)/);
  });
});
