import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build, scripts, type WorkFolder, workFolder } from './support/buildpack.ts';
import { whyNoDocker } from './support/docker.ts';
import { type Host, startHost } from './support/host.ts';

/** Folder with clones of buildpacks by others, each in a folder of its repository's name. */
const FOLDER = process.env['SLIPWAY_REAL_BUILDPACKS'] ?? '';
const APP = 'foreign';
const PROCFILE = { Procfile: 'worker: sleep 1000\n' };

const missing = FOLDER === '' ? 'SLIPWAY_REAL_BUILDPACKS names no folder with them' : whyNoDocker();
if (missing !== null) console.log(`buildpacks by others are not tried: ${missing}`);

/** A test for one buildpack; without it that is said. */
function real(name: string, test: (folder: string) => Promise<void>): void {
  const folder = join(FOLDER, name);
  it(`${name} compiles an app`, async ({ skip }) => {
    if (!existsSync(join(folder, 'bin', 'compile'))) skip(`${folder} has no buildpack`);
    await test(folder);
  });
}

describe.skipIf(missing !== null)('buildpacks by others, unchanged', () => {
  let host: Host;
  let work: WorkFolder;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
  });
  afterAll(async () => {
    await host.stop();
  });
  beforeEach(async () => {
    work = await workFolder();
    await host.client.call('apps.create', { name: APP });
  });
  afterEach(async () => {
    await host.client.call('apps.destroy', { app: APP, confirm: APP });
    await work.remove();
  });

  /** Compiles an app whose postdeploy command shows what is in its dynos. @returns the build log */
  const compiled = async (
    buildpacks: string[],
    files: Record<string, string>,
    show: string,
  ): Promise<string> => {
    await host.client.call('buildpacks.set', { app: APP, buildpacks });
    const manifest = JSON.stringify({ scripts: { postdeploy: show } });
    const app = await work.files('app', { ...PROCFILE, 'app.json': manifest, ...files });
    const { build: done, output } = await build(host, APP, app);
    expect(done.failure, output).toBeNull();
    return output;
  };

  real('heroku-buildpack-apt', async (folder) => {
    const later = await work.files('later', scripts('Later', 'echo "       later: $(tree --version)"'));
    const output = await compiled([folder, later], { Aptfile: '# tools\ntree\n' }, 'tree --version');
    expect(output).toContain('-----> Fetching .debs for tree');
    expect(output).toMatch(/ {7}later: tree v\d/);
    expect(output).toMatch(/\ntree v\d/);
    expect((await build(host, APP, join(work.path, 'app'))).output).toContain('-----> Reusing cache');
  });

  real('heroku-buildpack-inline', async (folder) => {
    const files = scripts(
      'Own',
      'mkdir -p "$1/made"; echo from bin/compile > "$1/made/file"',
      'echo "--- {}"',
    );
    const output = await compiled([`file://${folder}`], files, 'cat made/file');
    expect(output).toContain('-----> Own app detected');
    expect(output).toContain('\nfrom bin/compile\n');
  });

  real('heroku-buildpack-null', async (folder) => {
    const output = await compiled([folder], { '.null': '' }, 'echo up');
    expect(output).toContain('Performing no commands for null buildpack');
  });

  real('heroku-buildpack-multi-procfile', async (folder) => {
    await host.client.call('config.update', { app: APP, change: { PROCFILE: 'services/mail/Procfile' } });
    const output = await compiled(
      [folder],
      { 'services/mail/Procfile': 'mailer: sleep 1000\n' },
      'cat Procfile',
    );
    expect(output).toContain('Procfile declares types     -> mailer\n');
  });

  real('heroku-buildpack-multi', async (folder) => {
    await work.files('one', scripts('One', 'echo "export SEEN=one" > "$(dirname "$0")/../export"'));
    await work.files(
      'two',
      scripts('Two', 'echo "       seen $SEEN"', 'echo "default_process_types: {two: sleep 1}"'),
    );
    // It fetches by itself, so the archives have to be where it runs: in the app.
    for (const name of ['one', 'two'])
      execFileSync('tar', [
        '-C',
        join(work.path, name),
        '-czf',
        join(await work.files('app', PROCFILE), `${name}.tgz`),
        'bin',
      ]);
    const unpacked = ['one', 'two'].map((name) => `file:///tmp/packs/${name}.tgz`);
    const before = await work.files(
      'before',
      scripts('Before', 'mkdir -p /tmp/packs; cp "$1"/*.tgz /tmp/packs/'),
    );
    const output = await compiled([before, folder], { '.buildpacks': `${unpacked.join('\n')}\n` }, 'echo up');
    expect(output).toContain('=====> Detected Framework: Two\n       seen one\n');
    expect(output).toContain('Default types for buildpack -> two\n');
  });

  real('heroku-buildpack-static', async (folder) => {
    await host.client.call('buildpacks.set', { app: APP, buildpacks: [folder] });
    const app = await work.files('app', {
      'static.json': '{"root": "public"}',
      'public/index.html': 'hello',
    });
    const { build: done, output } = await build(host, APP, app);
    // It knows two old stacks of the platform and says so of all others.
    expect(output).toContain('Stack slipway-13 is not supported!');
    expect(done.failure).toMatchObject({ code: 'compile_failed' });
  });
});
