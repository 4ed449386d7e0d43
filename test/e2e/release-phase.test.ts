import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Release } from '#shared/model/release.ts';
import { deploy, type Host, logLines, startHost, untilAnswer, waitFor } from './support/host.ts';

const APP = 'migrating';
const ENV = { SLIPWAY_RUNTIME: 'process' };

const SERVER = `require('node:http').createServer((_, answer) => answer.end(process.env.WORD ?? 'first')).listen(process.env.PORT);`;
/** Notes that it ran, waits while there is a file that says so, and ends as WORD says. */
const MIGRATE = `
const { appendFileSync, existsSync } = require('node:fs');
const { DYNO, WORD, RUNS, HOLD } = process.env;
console.log('migrating for', WORD ?? 'nobody');
appendFileSync(RUNS, DYNO + ' ' + WORD + '\\n');
setInterval(() => { if (!existsSync(HOLD)) process.exit(WORD === 'bad' ? 3 : 0); }, 20);
`;

describe('release phase on plain processes', () => {
  let host: Host;
  let folder: string;
  let place: string;

  beforeAll(async () => {
    host = await startHost(ENV);
    place = await mkdtemp(join(tmpdir(), 'slipway-release-'));
    folder = await mkdtemp(join(tmpdir(), 'slipway-migrating-'));
    await writeFile(join(folder, 'package.json'), '{"name":"migrating","engines":{"node":"24.x"}}');
    await writeFile(join(folder, 'Procfile'), 'web: node server.js\nrelease: node migrate.js\n');
    await writeFile(join(folder, 'server.js'), SERVER);
    await writeFile(join(folder, 'migrate.js'), MIGRATE);
    await host.client.call('apps.create', { name: APP });
    await config({ RUNS: join(place, 'runs'), HOLD: join(place, 'hold') });
  });
  afterAll(async () => {
    await host.stop();
    for (const each of [folder, place]) await rm(each, { recursive: true, force: true });
  });

  const config = (change: Record<string, string | null>) =>
    host.client.call('config.update', { app: APP, change });
  const release = async (version: number): Promise<Release> =>
    host.client.call('releases.get', { app: APP, version });
  const settled = (version: number, status: Release['status']) =>
    waitFor(`v${version} to be ${status}`, async () => (await release(version)).status === status);
  const runs = async (): Promise<string[]> =>
    (await readFile(join(place, 'runs'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const hold = (): Promise<void> => writeFile(join(place, 'hold'), '');
  const letGo = (): Promise<void> => rm(join(place, 'hold'), { force: true });

  it('runs before the first dyno of a deploy, with its output in the build and in the log', async () => {
    const build = await deploy(host, APP, folder);
    expect(build).toMatchObject({ status: 'succeeded', release: 4, failure: null });
    await untilAnswer(host, APP, 'first');
    expect(await runs()).toEqual([expect.stringMatching(/^release\.\d{4} undefined$/)]);
    let output = '';
    for await (const items of host.client.open('builds.output', { app: APP, build: build.id }))
      for (const { text } of items) output += text;
    expect(output).toMatch(
      /Launching\.\.\.\n !     Release command declared: this new release will not be available until the command succeeds\.\n {7}Released v4\nRunning release command\.\.\.\.\nmigrating for nobody\n/,
    );
    const lines = (await logLines(host, APP)).map((line) => line.replace(/^\S+ /, ''));
    const [command = ''] = await runs();
    const name = command.slice(0, command.indexOf(' '));
    expect(lines.filter((line) => line.includes(name))).toEqual([
      `heroku[${name}]: Starting process with command \`node migrate.js\``,
      `heroku[${name}]: State changed from starting to up`,
      `app[${name}]: migrating for nobody`,
      `heroku[${name}]: Process exited with status 0`,
      `heroku[${name}]: State changed from up to complete`,
    ]);
    const at = (text: string): number => lines.findIndex((line) => line.startsWith(text));
    const order = ['app[api]: Running release v4 commands by user', `heroku[${name}]`];
    const [running = -1, begun = -1, created = -1, web = -1] = [
      ...order,
      'app[api]: Release v4 created by user',
      'heroku[web.1]: Starting process',
    ].map(at);
    expect([running < begun, begun < created, created < web]).toEqual([true, true, true]);
    expect((await host.client.call('formation.get', { app: APP })).formation).toHaveLength(1);
  });

  it('a config change stays pending while its command runs, and no other release is made', async () => {
    await hold();
    const { release: made, vars } = await config({ WORD: 'second' });
    expect([made?.status, made?.version, vars['WORD']]).toEqual(['pending', 5, 'second']);
    await waitFor('the command to run', async () => (await runs()).length === 2);
    await expect(config({ WORD: 'third' })).rejects.toMatchObject({ code: 'conflict', retryable: true });
    expect(await host.client.call('apps.get', { app: APP })).toMatchObject({ release: 4, state: 'up' });
    await untilAnswer(host, APP, 'first');
    await letGo();
    await untilAnswer(host, APP, 'second');
    expect((await release(5)).status).toBe('succeeded');
  });

  it('a failed command leaves everything as it was', async () => {
    await config({ WORD: 'bad' });
    await settled(6, 'failed');
    expect(await host.client.call('apps.get', { app: APP })).toMatchObject({ release: 5, state: 'up' });
    await untilAnswer(host, APP, 'second');
    expect((await host.client.call('config.get', { app: APP })).vars['WORD']).toBe('second');
    expect((await release(6)).eligibleForRollback).toBe(false);
  });

  it('a deploy whose command fails ends in its release phase and says the exit code', async () => {
    await writeFile(join(folder, 'migrate.js'), 'console.log("no table"); process.exit(9);');
    const build = await deploy(host, APP, folder);
    expect(build.failure?.code).toBe('release_failed');
    expect(build.failure?.message).toMatch(
      /^v7 is not deployed: its release command ended with exit code 9\. v5 stays current;/,
    );
    expect(build.phases.slice(-2).map((phase) => [phase.name, phase.state])).toEqual([
      ['release', 'failed'],
      ['launch', 'skipped'],
    ]);
    expect((await release(7)).status).toBe('failed');
    await untilAnswer(host, APP, 'second');
  });

  it('a rollback runs the command of the release that it goes back to', async () => {
    const before = (await runs()).length;
    const made = await host.client.call('releases.rollback', { app: APP, version: 4 });
    expect(made).toMatchObject({ status: 'pending', version: 8 });
    await settled(8, 'succeeded');
    expect((await runs()).length).toBe(before + 1);
    await untilAnswer(host, APP, 'first');
  });

  it('a cancelled deploy stops its command', async () => {
    await writeFile(join(folder, 'migrate.js'), MIGRATE);
    await hold();
    const before = (await runs()).length;
    const source = { kind: 'folder', path: folder } as const;
    const { id } = await host.client.call('builds.start', { app: APP, source });
    await waitFor('the command to run', async () => (await runs()).length > before);
    const build = await host.client.call('builds.cancel', { app: APP, build: id });
    expect(build.failure?.code).toBe('cancelled');
    expect((await release(9)).status).toBe('failed');
    await untilAnswer(host, APP, 'first');
    await letGo();
  });

  it('kill -9 of the engine while a command runs: it has failed, and is not started again', async () => {
    await hold();
    const before = (await runs()).length;
    const source = { kind: 'folder', path: folder } as const;
    const { id } = await host.client.call('builds.start', { app: APP, source });
    await waitFor('the command to run', async () => (await runs()).length > before);
    await host.kill();
    host = await startHost(ENV, host.home);
    expect((await release(10)).status).toBe('failed');
    await letGo();
    await waitFor('the build to end', async () => {
      const { finishedAt } = await host.client.call('builds.get', { app: APP, build: id });
      return finishedAt !== null;
    });
    const { failure } = await host.client.call('builds.get', { app: APP, build: id });
    expect(failure?.code).toBe('release_failed');
    expect(failure?.message).toMatch(/^v10 is not deployed: Slipway ended while its release command ran\./);
    await untilAnswer(host, APP, 'first');
    expect((await config({ WORD: 'after' })).release?.version).toBe(11);
    await untilAnswer(host, APP, 'after');
    expect((await runs()).slice(before)).toEqual([
      expect.stringContaining('undefined'),
      expect.stringContaining('after'),
    ]);
    const lines = await logLines(host, APP);
    expect(lines.some((line) => line.includes('app[api]: Release v10 failed: Slipway ended while'))).toBe(
      true,
    );
  });
});
