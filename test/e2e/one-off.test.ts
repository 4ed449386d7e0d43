import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OneOffDyno } from '#shared/model/run.ts';
import { docker, owned, whyNoDocker } from './support/docker.ts';
import { deploy, type Host, logLines, startHost, waitFor } from './support/host.ts';
import { type EndedRun, runToEnd, SIZE } from './support/runs.ts';

const APP = 'console';
const LOOP = 'while :; do sleep 0.1; done';

describe.skipIf(whyNoDocker() !== null)('one-off dynos on docker', () => {
  oneOffs('docker', (host) => Promise.resolve(docker('ps', '-aq', ...owned(host, 'run'))));
});

describe('one-off dynos on plain processes', () => {
  oneOffs('process', ({ home }) => readdir(join(home, 'runtime', 'runs')));
});

/** @param left names what there is of one-off dynos */
function oneOffs(runtime: string, left: (host: Host) => Promise<string[]>): void {
  let host: Host;
  let folder: string;
  const env = { SLIPWAY_RUNTIME: runtime };

  beforeAll(async () => {
    host = await startHost(env);
    folder = await mkdtemp(join(tmpdir(), 'slipway-console-'));
    await writeFile(join(folder, 'package.json'), '{"name":"console","engines":{"node":"24.x"}}');
    await writeFile(join(folder, 'Procfile'), 'task: node task.js\nclock: while :; do sleep 0.2; done\n');
    await writeFile(
      join(folder, 'task.js'),
      'console.log(process.argv[2], String(process.stdout.columns));\n',
    );
    await host.client.call('apps.create', { name: APP });
  });
  afterAll(async () => {
    await host.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('an app without code says what to do first', async () => {
    const opening = run('ls');
    await expect(opening).rejects.toMatchObject({ code: 'no_release', message: /Deploy it first/ });
  });

  it('runs a process type with arguments, tells the exit code, and logs it', async () => {
    expect((await deploy(host, APP, folder)).failure).toBeNull();
    const { events, text, code } = await run('task größe; exit 4');
    expect(text).toBe('größe 91\r\n');
    expect(code).toBe(4);
    const name = events[0]?.kind === 'started' ? events[0].dyno : '';
    expect(name).toMatch(/^run\.\d{4}$/);
    const lines = (await logLines(host, APP)).filter(
      (line) => line.includes(name) || line.includes(' by user'),
    );
    expect(lines.slice(-5).map((line) => line.slice(line.indexOf(' ') + 1))).toEqual([
      expect.stringMatching(/^app\[api\]: Starting process with command `task größe; exit 4` by user /),
      `heroku[${name}]: Starting process with command \`node task.js größe; exit 4\``,
      `heroku[${name}]: State changed from starting to up`,
      `heroku[${name}]: Process exited with status 4`,
      `heroku[${name}]: State changed from up to complete`,
    ]);
    await waitFor('its removal', async () => (await left(host)).length === 0);
  });

  it('one without a terminal writes into the log, with a process type’s command and the size that was asked for', async () => {
    const command = 'task größe; [ -t 0 ] || [ -t 1 ] || echo no terminal; echo "$DYNO"; exit 4';
    const started = await host.client.call('runs.start', { app: APP, command, size: 'standard-2x' });
    expect(started).toMatchObject({ attached: false, size: 'Standard-2X' });
    expect(started.command).toBe(`node task.js${command.slice('task'.length)}`);
    const { name } = started;
    await waitFor('its end', async () => (await list()).length === 0);
    expect(await linesOf(name)).toEqual([
      expect.stringMatching(/^app\[api\]: Starting process with command `task größe; .* by user /),
      `heroku[${name}]: Starting process with command \`${started.command}\``,
      `heroku[${name}]: State changed from starting to up`,
      `app[${name}]: größe undefined`,
      `app[${name}]: no terminal`,
      `app[${name}]: ${name}`,
      `heroku[${name}]: Process exited with status 4`,
      `heroku[${name}]: State changed from up to complete`,
    ]);
    await waitFor('its removal', async () => (await dynosLeft()) === 0);
  });

  it('the list names those that run, and a stop ends one with SIGTERM, also one on a terminal', async () => {
    const own = "trap 'echo got TERM; exit 3' TERM; echo ready; ";
    const { name } = await host.client.call('runs.start', {
      app: APP,
      command: `${own}${LOOP}`,
      timeToLive: 600,
    });
    const attached = run('sleep 600');
    await waitFor('both', async () => (await list()).filter(({ state }) => state === 'up').length === 2);
    const [first, second] = await list();
    expect([first?.name, first?.attached, second?.attached]).toEqual([name, false, true]);
    await waitFor('its trap', async () => (await linesOf(name)).includes(`app[${name}]: ready`));
    const { dynos } = await host.client.call('dynos.list', { app: APP });
    expect(dynos).toEqual([]);
    for (const dyno of [name, second?.name ?? '']) await host.client.call('runs.stop', { app: APP, dyno });
    expect((await attached).code).toBe(143);
    await waitFor('their end', async () => (await list()).length === 0);
    // The shell may tell of its own child's end.
    const lines = (await linesOf(name)).filter((text) => !text.endsWith(': Terminated'));
    expect(lines.slice(-4)).toEqual([
      `heroku[${name}]: Stopping all processes with SIGTERM`,
      `app[${name}]: got TERM`,
      `heroku[${name}]: Process exited with status 3`,
      `heroku[${name}]: State changed from up to complete`,
    ]);
    for (const dyno of [name, 'clock.1'])
      await expect(host.client.call('runs.stop', { app: APP, dyno })).rejects.toMatchObject({
        code: 'not_found',
      });
  });

  it('a command runs inside a dyno, and leaves nothing there when its client goes', async () => {
    const updates = [{ type: 'clock', quantity: 1, size: 'Standard-1X' }];
    await host.client.call('formation.update', { app: APP, updates });
    await waitFor('the dyno', async () => (await dynoState('clock.1')) === 'up');
    const { text, code } = await run('echo "$DYNO"; stty size; echo mine > mark; exit 6', {
      dyno: 'clock.1',
    });
    expect([text, code]).toEqual(['clock.1\r\n33 91\r\n', 6]);
    for await (const items of host.client.open('runs.open', {
      ...{ app: APP, ...SIZE, dyno: 'clock.1' },
      command: 'cat mark; while :; do touch alive; sleep 0.05; done',
    })) {
      if (items.some((item) => item.kind === 'output')) break;
    }
    const looks = 'rm -f alive; sleep 0.3; test -e alive && echo alive; cat mark';
    await expect
      .poll(async () => (await run(looks, { dyno: 'clock.1' })).text, { timeout: 30_000 })
      .toBe('mine\r\n');
    const ending = run('sleep 600', { dyno: 'clock.1' });
    await sleep(500);
    await host.client.call('formation.update', { app: APP, updates: [{ type: 'clock', quantity: 0 }] });
    // SIGTERM is for all processes of a dyno.
    expect([137, 143]).toContain((await ending).code);
    await waitFor('the end of the dyno', async () => (await dynoState('clock.1')) === undefined);
    await expect(run('ls', { dyno: 'clock.1' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(run('ls', { dyno: 'clock.1', size: 'Eco' })).rejects.toMatchObject({
      code: 'invalid_params',
    });
  });

  it('one without a terminal outlives a kill of the engine, whole in the log; one with a terminal does not', async () => {
    const counts = 'for n in {1..600}; do echo "line $n"; sleep 0.05; [ -e stop ] && exit 9; done';
    const { id, name } = await host.client.call('runs.start', { app: APP, command: counts });
    const ended = await host.client.call('runs.start', { app: APP, command: 'sleep 2; echo late; exit 7' });
    run('sleep 600').catch(() => undefined);
    await waitFor('output', async () => (await linesOf(name)).some((line) => line.endsWith('line 3')));
    await host.kill();
    await sleep(3_000);
    host = await startHost(env, host.home);
    await waitFor('the end of the other', async () => (await list()).length === 1);
    expect(await list()).toMatchObject([{ id, name, state: 'up', attached: false }]);
    expect((await linesOf(ended.name)).slice(-3)).toEqual([
      `app[${ended.name}]: late`,
      `heroku[${ended.name}]: Process exited with status 7`,
      `heroku[${ended.name}]: State changed from up to complete`,
    ]);
    await waitFor('more output', async () => (await linesOf(name)).some((line) => line.endsWith('line 80')));
    expect((await run('touch stop', { dyno: name })).code).toBe(0);
    await waitFor('its end', async () => (await list()).length === 0);
    const lines = await linesOf(name);
    const counted = lines.flatMap((line) =>
      line.startsWith('app[run') ? [line.slice(line.indexOf('line '))] : [],
    );
    expect(counted).toEqual(counted.map((_, at) => `line ${String(at + 1)}`));
    expect(counted.length).toBeGreaterThanOrEqual(80);
    expect(lines.at(-2)).toBe(`heroku[${name}]: Process exited with status 9`);
    expect(await left(host)).toEqual([]);
    await waitFor('its removal', async () => (await dynosLeft()) === 0);
  });

  it('a shell takes input and sizes, and ends when its client leaves or its app is destroyed', async () => {
    let id = '';
    let text = '';
    for await (const items of host.client.open('runs.open', { app: APP, command: 'bash --norc', ...SIZE })) {
      for (const item of items) {
        if (item.kind === 'started') {
          id = item.run;
          await host.client.call('runs.resize', { run: id, columns: 120, rows: 40 });
          await host.client.call('runs.input', { run: id, text: 'stty size\r' });
        } else if (item.kind === 'output') text += item.text;
      }
      if (text.includes('40 120\r\n')) break;
    }
    await waitFor('the end of the shell', async () => (await left(host)).length === 0);
    const input = () => host.client.call('runs.input', { run: id, text: 'x' });
    await expect
      .poll(() => input().catch((error: unknown) => error), { timeout: 30_000 })
      .toMatchObject({ code: 'not_found' });
    expect((await logLines(host, APP)).some((line) => line.includes('Client connection closed.'))).toBe(true);
    const doomed = run('sleep 600');
    await waitFor('the start of another', async () => (await left(host)).length === 1);
    await sleep(500);
    await host.client.call('apps.destroy', { app: APP, confirm: APP });
    expect((await doomed).code).toBe(137);
    expect(await left(host)).toEqual([]);
  });

  async function list(): Promise<OneOffDyno[]> {
    return (await host.client.call('runs.list', { app: APP })).runs;
  }

  async function dynoState(name: string): Promise<string | undefined> {
    const { dynos } = await host.client.call('dynos.list', { app: APP });
    return dynos.find((dyno) => dyno.name === name)?.state;
  }

  /** Lines of a one-off dyno, with the order of the last one, without times. */
  async function linesOf(name: string): Promise<string[]> {
    const lines = (await logLines(host, APP)).map((line) => line.slice(line.indexOf(' ') + 1));
    const first = lines.findIndex((line) => line.includes(`[${name}]`));
    const order = lines.slice(0, Math.max(first, 0)).findLast((line) => line.includes(' by user '));
    return [...(order === undefined ? [] : [order]), ...lines.filter((line) => line.includes(`[${name}]`))];
  }

  /** How many dynos the runtime has. */
  async function dynosLeft(): Promise<number> {
    if (runtime === 'process') return (await readdir(join(host.home, 'runtime', 'dynos'))).length;
    return docker('ps', '-aq', ...owned(host, 'dyno')).length;
  }

  function run(command: string, more: { dyno?: string; size?: string } = {}): Promise<EndedRun> {
    return runToEnd(host, { app: APP, command, ...more });
  }
}
