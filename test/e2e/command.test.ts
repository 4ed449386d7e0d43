import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Host, startHost } from './support/host.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'electron', 'cli', 'main.ts');

/** Runs a line of shell in a terminal. */
const TERMINAL = 'script';

interface CommandLine {
  readonly env: Readonly<Record<string, string>>;
  /** Standard input, ended behind it; none unless given. */
  readonly input?: string;
  /** Called with all output so far, for a Ctrl-C in time. */
  readonly watch?: (output: string, interrupt: () => void) => void;
}

/** Runs `slipway` as a user does. Variables of the tests' own engine are not seen. */
async function slipway(
  args: readonly string[],
  { env, input = '', watch }: CommandLine,
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    watch?.(out, () => child.kill('SIGINT'));
  });
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

describe('slipway without its engine', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'slipway-command-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('says that the engine which engine.json names has ended', async () => {
    const ended = spawn('true');
    await once(ended, 'close');
    await writeFile(join(home, 'engine.json'), JSON.stringify({ port: 9, pid: ended.pid }));
    const { code, err } = await slipway(['apps'], { env: { SLIPWAY_HOME: home } });
    expect(code).toBe(1);
    expect(err).toMatch(
      /^ !     Slipway is not running: process \d+, which \S+engine\.json names, has ended\./,
    );
    expect(err).toContain('npm start');
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  it('gives up on a port that does not answer, which counts for more than engine.json', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await writeFile(join(home, 'engine.json'), JSON.stringify({ port: 9, pid: process.pid }));
    const started = performance.now();
    const env = { SLIPWAY_HOME: home, SLIPWAY_API_PORT: String(port) };
    const { code, err } = await slipway(['apps'], { env });
    silent.close();
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^ !     What listens on port ${port} does not answer \\(5 s\\)\\.`));
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe('slipway with its engine', () => {
  let host: Host;
  let folder: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    env = { SLIPWAY_HOME: host.home };
    folder = await mkdtemp(join(tmpdir(), 'slipway-command-app-'));
    await writeFile(join(folder, 'Procfile'), 'task: node task.js\n');
    await writeFile(
      join(folder, 'task.js'),
      'console.log(process.argv[2], String(process.stdout.columns));\n',
    );
    await manifest({});
  });
  afterAll(async () => {
    await host.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const manifest = (scripts: Record<string, string>): Promise<void> =>
    writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'console', engines: { node: '24.x' }, scripts }),
    );

  it('deploys a folder', async () => {
    const { code, out, err } = await slipway(['deploy', folder, '--app', 'console'], { env });
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toContain('-----> Node.js app detected');
    expect(out).toMatch(/http:\/\/console\.localhost:\d+\/ runs v3\n$/);
  });

  it('finds the engine by SLIPWAY_API_PORT where another folder’s engine.json says otherwise', async () => {
    const other = await mkdtemp(join(tmpdir(), 'slipway-command-'));
    await writeFile(join(other, 'engine.json'), JSON.stringify({ port: 9, pid: process.pid }));
    const key = (await readFile(join(host.home, 'api-key'), 'utf8')).trim();
    const { port } = new URL(host.uiUrl);
    const elsewhere = { SLIPWAY_HOME: other, SLIPWAY_API_PORT: port, SLIPWAY_API_KEY: key };
    const { code, out } = await slipway(['apps'], { env: elsewhere });
    await rm(other, { recursive: true });
    expect(code).toBe(0);
    expect(out).toContain('console');
  });

  it('says once why a deploy failed', async () => {
    await manifest({ 'heroku-prebuild': 'exit 3' });
    const { code, out, err } = await slipway(['deploy', folder, '--app', 'console'], { env });
    expect(code).toBe(1);
    expect(`${out}${err}`.match(/could not compile the app/g)).toHaveLength(1);
  });

  it('cancels the build on Ctrl-C and ends with 130', async () => {
    await manifest({ 'heroku-prebuild': 'echo it is compiling; sleep 120' });
    const { code, out, err } = await slipway(['deploy', folder, '--app', 'console'], {
      env,
      watch: (output, interrupt) => {
        if (/^ +it is compiling$/m.test(output) && !output.includes('cancelled')) interrupt();
      },
    });
    expect(err).toBe('');
    expect(code).toBe(130);
    expect(out).toContain(' !     The build was cancelled.');
    const { builds } = await host.client.call('builds.list', { app: 'console' });
    expect(builds[0]).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } });
  });

  it('shows and changes options, and says what they may be', async () => {
    const changes = ['deploy-order=platform', 'sleep=never', 'restart-policy=heroku', 'build-minutes=20'];
    const { code, out } = await slipway(['options', '--app', 'console', ...changes], { env });
    expect(code).toBe(0);
    expect(out).toBe(
      '=== console\ndeploy-order      platform\nsleep             never\ndeploy-on-save    off\ndyno-metadata     off\n' +
        'session-affinity  off\ndyno-choice       random\nbuilder           heroku/builder:24\n\n=== all apps\nrestart-policy  heroku\ndaily-cycling   off\nbuild-minutes   20\n',
    );
    const wrong = await slipway(['options', 'sleep=soon'], { env });
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain(
      'sleep cannot be "soon". It may be minutes without a request, never, or size',
    );
    const builder = await slipway(['options', '-a', 'console', 'builder=Not An Image'], { env });
    expect(builder.err).toContain('builder cannot be "Not An Image". It may be the name of a Docker image');
    await slipway(
      ['options', '-a', 'console', 'deploy-order=seamless', 'restart-policy=short', 'builder=ghcr.io/a/b:1'],
      { env },
    );
    const { options } = await host.client.call('apps.get', { app: 'console' });
    expect(options).toEqual({
      ...{ deployOrder: 'seamless', sleepAfterMinutes: 0 },
      ...{ deployOnSave: false, dynoMetadata: false },
      ...{ maintenance: false, sessionAffinity: false, dynoChoice: 'random', builder: 'ghcr.io/a/b:1' },
    });
  });

  it('shows and changes buildpacks, as the platform’s command does', async () => {
    const buildpacks = async (...words: string[]): Promise<string> => {
      const { out, err } = await slipway(['buildpacks', ...words, '-a', 'console'], { env });
      return out + err;
    };
    expect(await buildpacks()).toBe(
      'console has no buildpack set; its builds use heroku/nodejs, as the first found.\n',
    );
    expect(await buildpacks('set', 'urn:buildpack:heroku/nodejs')).toBe(
      'Buildpack set. Next release on console will use heroku/nodejs.\n',
    );
    expect(await buildpacks('add', 'https://localhost/tool.git#v1', '--index', '1')).toBe(
      'Buildpack added. Next release on console will use:\n  1. https://localhost/tool.git#v1\n  2. heroku/nodejs\n',
    );
    expect(await buildpacks('set', '/srv/pack', '-i', '2')).toContain(
      '  1. https://localhost/tool.git#v1\n  2. /srv/pack\n',
    );
    expect(await buildpacks('add', '/srv/pack')).toContain('/srv/pack is already set on console.');
    expect(await buildpacks('add', 'heroku/go', '-i', '9')).toContain('Invalid index.');
    expect(await buildpacks('add', '--', '--upload-pack=id')).toContain(
      'a buildpack is a name such as heroku/nodejs',
    );
    expect(await buildpacks('remove', 'heroku/go')).toContain('Buildpack not found. Nothing was removed.');
    expect(await buildpacks('remove', '-i', '1')).toBe(
      'Buildpack removed. Next release on console will use /srv/pack.\n',
    );
    expect(await buildpacks('clear')).toBe(
      'Buildpacks cleared. Next release on console will detect buildpacks normally.\n',
    );
    const purged = await slipway(['builds:cache:purge', '-a', 'console'], { env });
    expect(purged.out).toBe('Purging the build cache of console... done\n');
  });

  it('shows and chooses the stack, for an app that there is and for a new one', async () => {
    const run = async (...words: string[]): Promise<string> => {
      const { out, err } = await slipway(words, { env });
      return out + err;
    };
    expect(await run('stack', '-a', 'console')).toBe(
      '=== console Available Stacks\n* slipway-13\n  heroku-24\n  heroku-22\n  container\n  cnb\n',
    );
    expect(await run('stack:set', 'heroku-24', '-a', 'console')).toBe(
      'Setting stack to heroku-24... done\nYou will need to redeploy console for the change to take effect.\n',
    );
    expect(await run('stack', '-a', 'console')).toContain('\n* heroku-24\n');
    expect(await run('stack:set', 'cedar', '-a', 'console')).toContain(
      'There is no stack "cedar". Stacks are slipway-13, heroku-24, heroku-22, container, cnb.',
    );
    expect(await run('stack:set', 'slipway-13', '-a', 'console')).toContain('done');
    expect(await run('create', 'boxed', '--stack', 'container')).toContain('Creating boxed... done');
    expect(await run('stack', '-a', 'boxed')).toContain('\n* container\n');
    await run('destroy', 'boxed', '--confirm', 'boxed');
  });

  it('switches maintenance and tells of it', async () => {
    const on = await slipway(['maintenance:on', '-a', 'console'], { env });
    expect([on.code, on.out]).toEqual([0, 'Enabling maintenance mode for console... done\n']);
    expect((await slipway(['maintenance', '-a', 'console'], { env })).out).toBe('on\n');
    const off = await slipway(['maintenance', 'off', '-a', 'console'], { env });
    expect(off.out).toBe('Disabling maintenance mode for console... done\n');
    const wrong = await slipway(['maintenance', 'soon', '-a', 'console'], { env });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('It may be on or off.')]);
  });

  it('adds, lists and removes domains', async () => {
    const added = await slipway(['domains', 'add', 'WWW.example.com', '-a', 'console'], { env });
    expect(added.out).toContain('Adding www.example.com to console... done\n');
    expect(added.out).toContain('127.0.0.1 www.example.com');
    const again = await slipway(['domains:add', 'www.example.com', '-a', 'console'], { env });
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('is a domain of console already')]);
    const wrong = await slipway(['domains', 'add', 'console.localhost', '-a', 'console'], { env });
    expect(wrong.err).toContain('NAME.localhost is the address of the app of that name');
    const list = await slipway(['domains', '-a', 'console'], { env });
    expect(list.out).toBe(
      '=== console domain\nconsole.localhost\n\n=== console custom domains\nwww.example.com\n',
    );
    const removed = await slipway(['domains', 'remove', 'www.example.com', '-a', 'console'], { env });
    expect(removed.out).toBe('Removing www.example.com from console... done\n');
    expect((await slipway(['domains', '-a', 'console'], { env })).out).not.toContain('custom');
  });

  it('tells how an app’s own pages stand', async () => {
    const page = join(folder, 'oops.html');
    await writeFile(page, '<p>Ours</p>');
    const vars = [`ERROR_PAGE_URL=file://${page}`, 'MAINTENANCE_PAGE_URL=file:///nowhere.html'];
    await slipway(['config', 'set', ...vars, '-a', 'console'], { env });
    const told = await slipway(['pages', 'refresh', '-a', 'console'], { env });
    expect(told.out).toMatch(/^ERROR_PAGE_URL +11 bytes, fetched \S+$/m);
    expect(told.out).toMatch(
      /^MAINTENANCE_PAGE_URL +the file cannot be read \(ENOENT\); the router’s own page$/m,
    );
    expect(told.code).toBe(1);
    await slipway(['config', 'unset', 'ERROR_PAGE_URL', 'MAINTENANCE_PAGE_URL', '-a', 'console'], { env });
    const gone = async () => (await slipway(['pages', '-a', 'console'], { env })).out;
    await expect.poll(gone, { timeout: 30_000 }).toMatch(/^ERROR_PAGE_URL +not set/m);
  });

  it('switches HTTPS and prints how to trust it, doing nothing of that', async () => {
    const none = await slipway(['https', 'trust'], { env });
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('slipway https on makes it')]);
    const on = await slipway(['https', 'on'], { env });
    expect(on.out).toMatch(/^HTTPS: +on, https:\/\/APP\.localhost:\d+$/m);
    const trust = await slipway(['https', 'trust'], { env });
    expect(trust.out).toContain(join(host.home, 'https', 'authority.pem'));
    expect((await slipway(['info'], { env })).out).toMatch(/^HTTPS: +https:\/\/localhost:\d+$/m);
    expect((await slipway(['https', 'off'], { env })).out).toMatch(/^HTTPS: +off$/m);
  });

  it('runs a command with options of its own and ends with its exit code', async () => {
    const args = ['run', '--app', 'console', 'bash', '-c', 'echo "$0 of $#"; exit 5', 'shell', '-n'];
    const { code, out } = await slipway(args, { env });
    expect(out).toBe('shell of 1\r\n');
    expect(code).toBe(5);
  });

  it('types what is piped into it, also a last line without its end', async () => {
    const command = { env, input: 'größe 1\nexit 3' };
    const { code, out } = await slipway(['run', '-a', 'console', 'bash', '--norc'], command);
    expect(out).toContain('größe: command not found');
    expect(code).toBe(3);
    const cat = await slipway(['run', '-a', 'console', 'cat > file; cat file'], { env, input: 'x\ny' });
    expect(cat.out.endsWith('x\r\ny\r\n')).toBe(true);
    expect(cat.code).toBe(0);
  });

  it('runs one without a terminal, lists it and stops it', async () => {
    const args = ['run', '-a', 'console', '--size', 'standard-2x', '--detached', 'echo there; sleep 600'];
    const { code, out } = await slipway(args, { env });
    expect(code).toBe(0);
    const [, name = ''] =
      /^Running echo there; sleep 600 on console\.\.\. done, (run\.\d{4})$/m.exec(out) ?? [];
    expect(out).toContain(`Run slipway logs --tail --ps ${name} --app console to view the output.`);
    const log = async () => (await slipway(['logs', '-a', 'console', '--ps', name], { env })).out;
    await expect.poll(log, { timeout: 30_000 }).toContain(`app[${name}]: there`);
    const listed = await slipway(['ps', '-a', 'console'], { env });
    expect(listed.out).toContain('=== run: one-off processes (1)');
    expect(listed.out).toMatch(/^run\.\d{4} \(Standard-2X\): up \S+ v\d+: echo there; sleep 600$/m);
    const inside = await slipway(
      ['run:inside', name, '-a', 'console', 'bash', '-c', 'echo "in $DYNO"; exit 4'],
      { env },
    );
    expect(inside).toEqual({
      code: 4,
      out: `in ${name}\r\n`,
      err: expect.stringContaining(`inside ${name} on console... up\n`),
    });
    expect((await slipway(['ps:stop', name, '-a', 'console'], { env })).code).toBe(0);
    const ps = async () => (await slipway(['ps', '-a', 'console'], { env })).out;
    await expect.poll(ps, { timeout: 30_000 }).not.toContain('run.');
    const again = await slipway(['ps:stop', name, '-a', 'console'], { env });
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('It has ended.')]);
    const unknown = await slipway(['run:detached', '-a', 'console', '--size', 'huge', 'ls'], { env });
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('there is no dyno size "huge"')]);
  });

  it('gives a terminal the size of its own, and leaves it as it was', async () => {
    const line = `stty cols 101 rows 31; '${process.execPath}' '${COMMAND}' run -a console task wide; echo code=$?; stty -a`;
    const child = spawn(TERMINAL, ['-qec', line, '/dev/null'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await once(child, 'close');
    expect(out).toContain('wide 101');
    expect(out).toContain('code=0');
    expect(out).toMatch(/ icanon/);
  });
});
