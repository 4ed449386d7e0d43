import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, scripts, type WorkFolder, workFolder } from './support/buildpack.ts';
import { type Host, startHost } from './support/host.ts';

/** Where plain processes find commands. */
const FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];
const WAYS_OUT =
  /, which this machine does not have: install what is missing and deploy again, or let builds run in Docker \(SLIPWAY_RUNTIME=docker\)\.\n/;
const OFFLINE = ['curl', 'wget'];

/** Buildpack, app, commands that are missing, and the beginning of the sentence that names them. */
const MISSING: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[], string])[] = [
  ['python', { 'requirements.txt': '' }, ['python3'], 'Building Python apps needs python3'],
  [
    'static',
    { 'index.html': '' },
    ['apt-get', 'python3'],
    'An app of static files needs apt-get (packages of Debian and Ubuntu) and python3',
  ],
  ['php', { 'index.php': '' }, ['apt-get'], 'A PHP app needs apt-get (packages of Debian and Ubuntu)'],
  ['php', { 'composer.json': '{}' }, ['jq'], 'Reading composer.json needs jq'],
  ['ruby', { Gemfile: '' }, ['apt-get', 'ruby', ...OFFLINE], 'Building Ruby apps needs the command ruby'],
  ['go', { 'go.mod': 'module a\n\ngo 1.25\n' }, ['apt-get', 'go'], 'Building Go apps needs the command go'],
  [
    'java',
    { 'pom.xml': '', 'system.properties': 'java.runtime.version=21\n' },
    ['apt-get', 'javac', ...OFFLINE],
    'The build needs a JDK 21 (the command javac)',
  ],
  ['gradle', { 'build.gradle': '' }, ['unzip'], 'Reading jars and archives needs unzip'],
];

describe('a machine on which plain processes build, and that lacks a command', () => {
  let host: Host;
  let work: WorkFolder;
  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    work = await workFolder();
  });
  afterAll(async () => {
    await host.stop();
    await work.remove();
  });

  it.each(MISSING)(
    'heroku/%s: is told by one sentence with the ways out',
    async (name, files, missing, text) => {
      const { build: done, output } = await buildWithout(name, files, missing);
      expect(done.failure).toMatchObject({ code: 'compile_failed' });
      const words = output.slice(output.indexOf('-----> Build failed\n'));
      expect(words).toContain(`-----> Build failed\n !     ${text}, which`);
      expect(words).toMatch(WAYS_OUT);
      expect(output.split(text)).toHaveLength(2);
      expect(output).not.toMatch(/command not found/);
    },
  );

  it('has nothing to be told of Node.js, which is fetched', async () => {
    const { build: done, output } = await buildWithout(
      'nodejs',
      { 'package.json': '{}', Procfile: 'worker: node' },
      ['node', 'npm'],
    );
    expect(done.failure, output).toBeNull();
    expect(output).not.toContain('does not have');
  });

  let count = 0;
  /** Builds with a PATH on which commands are missing: a buildpack before ours exports it. */
  async function buildWithout(
    name: string,
    files: Readonly<Record<string, string>>,
    missing: readonly string[],
  ): ReturnType<typeof build> {
    count += 1;
    const app = `lacks-${String(count)}`;
    const commands = join(work.path, `commands-${app}`);
    await mkdir(commands);
    for (const folder of FOLDERS)
      for (const each of await readdir(folder).catch(() => []))
        if (!missing.includes(each))
          await symlink(join(folder, each), join(commands, each)).catch(() => undefined);
    const first = `echo 'export PATH=${commands}' > "$(dirname "$0")/../export"`;
    const pack = await work.files(`pack-${app}`, scripts('First', first));
    await host.client.call('apps.create', { name: app });
    await host.client.call('buildpacks.set', { app, buildpacks: [pack, `heroku/${name}`] });
    return build(host, app, await work.files(`source-${app}`, files));
  }
});
