import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent } from '#shared/model/run.ts';
import { whyNoDocker } from './support/docker.ts';
import { deploy, type Host, logLines, startHost, waitFor } from './support/host.ts';

const APP = 'console';
const SIZE = { columns: 91, rows: 33 };

describe.skipIf(whyNoDocker() !== null)('one-off dynos on docker', () => {
  oneOffs('docker', ({ ownerId }) => {
    const owner = ['--filter', `label=io.slipway.owner=${ownerId}`];
    const args = ['ps', '-aq', ...owner, '--filter', 'label=io.slipway.kind=run'];
    return Promise.resolve(execFileSync('docker', args, { encoding: 'utf8' }).split('\n').filter(Boolean));
  });
});

describe('one-off dynos on plain processes', () => {
  oneOffs('process', ({ home }) => readdir(join(home, 'runtime', 'runs')));
});

/** @param left names what there is of one-off dynos */
function oneOffs(runtime: string, left: (host: Host) => Promise<string[]>): void {
  let host: Host;
  let folder: string;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: runtime });
    folder = await mkdtemp(join(tmpdir(), 'slipway-console-'));
    await writeFile(join(folder, 'package.json'), '{"name":"console","engines":{"node":"24.x"}}');
    await writeFile(join(folder, 'Procfile'), 'task: node task.js\n');
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
    const { events, text } = await run('task größe; exit 4');
    expect(text).toBe('größe 91\r\n');
    expect(events.at(-1)).toEqual({ kind: 'exit', code: 4 });
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
    expect((await doomed).events.at(-1)).toEqual({ kind: 'exit', code: 137 });
    expect(await left(host)).toEqual([]);
  });

  async function run(command: string): Promise<{ events: RunEvent[]; text: string }> {
    const events: RunEvent[] = [];
    for await (const items of host.client.open('runs.open', { app: APP, command, ...SIZE }))
      events.push(...items);
    return { events, text: events.map((event) => (event.kind === 'output' ? event.text : '')).join('') };
  }
}
