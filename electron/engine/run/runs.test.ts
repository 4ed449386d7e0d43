import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { APP, type DynoWorld, dynoWorld, settled } from '../dyno/testing.ts';
import { MEMORY_EVERY } from '../dyno/memory-watch.ts';
import type { InsideSpec } from '../runtime/run-terminal.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import { Runs, type RunsOptions } from './runs.ts';
import { RUN_TIMERS } from './timers.ts';

const USER = 'ann';

/** One-off dynos over the world's runtime, as one engine has them. */
async function runsOf(world: DynoWorld): Promise<Runs> {
  const options: RunsOptions = {
    ...world.options,
    timers: RUN_TIMERS,
    dynos: (appId) => world.manager.dynos(appId),
    apiLog: (_app, text) => world.lines.push(`api: ${text}`),
  };
  const runs = new Runs(options);
  await runs.resume();
  return runs;
}

function app({ store }: DynoWorld) {
  const found = store.findApp(APP.name);
  if (found === null) throw new Error('no app');
  return found;
}

test('one without a terminal runs what a process type says, prints into the log, and is gone when it ends', async () => {
  await using world = await dynoWorld();
  world.release({ web: 'node server.js', rake: 'bundle exec rake' });
  const runs = await runsOf(world);
  const started = await runs.start(app(world), { command: 'rake db:migrate' }, USER);
  expect(started).toMatchObject({
    ...{ name: 'run.1000', command: 'bundle exec rake db:migrate', state: 'up', attached: false },
    ...{ size: 'Standard-1X', release: 3, startedAt: new Date(world.clock.now()).toISOString() },
  });
  expect(runs.list(APP.id)).toEqual([started]);
  expect([world.store.runs().length, runs.slugsInUse()]).toEqual([1, ['s1']]);
  world.runtime.print('run.1000', 'migrated\n');
  world.runtime.exit('run.1000', 3);
  await settled();
  expect([runs.list(APP.id), world.store.runs(), [...world.runtime.dynos.keys()]]).toEqual([[], [], []]);
  expect(world.printed).toEqual(['run.1000: migrated\n']);
  expect(world.lines).toEqual([
    'api: Starting process with command `rake db:migrate` by user ann',
    'run.1000: Starting process with command `bundle exec rake db:migrate`',
    'run.1000: State changed from starting to up',
    'run.1000: Process exited with status 3',
    'run.1000: State changed from up to complete',
  ]);
  expect(world.problems).toEqual([]);
});

test('its size is that of the web dynos unless it is named', async () => {
  await using world = await dynoWorld();
  world.release();
  const runs = await runsOf(world);
  world.store.setFormation(APP.id, { type: 'web', quantity: 1, size: 'Eco' });
  const like = await runs.start(app(world), { command: 'ls' }, USER);
  const named = await runs.start(app(world), { command: 'ls', size: 'Performance-M' }, USER);
  expect([like.size, named.size]).toEqual(['Eco', 'Performance-M']);
  expect([...world.runtime.specs.values()].map((spec) => spec.size.memoryMiB)).toEqual([512, 2_560]);
});

test('over its memory quota it is told so; at twice the quota it is killed, with a terminal or without', async () => {
  await using world = await dynoWorld();
  world.release();
  const runs = await runsOf(world);
  await runs.start(app(world), { command: 'rake' }, USER);
  world.lines.length = 0;
  world.runtime.memory.set('run.1000', 514 * 2 ** 20);
  await world.clock.pass(MEMORY_EVERY);
  const warning = [
    'run.1000: Process running mem=514M(100.4%)',
    'run.1000: Error R14 (Memory quota exceeded)',
  ];
  expect([world.lines, world.runtime.signals]).toEqual([warning, []]);
  world.runtime.memory.set('run.1000', 1025 * 2 ** 20);
  await world.clock.pass(MEMORY_EVERY);
  expect(world.runtime.signals).toEqual(['run.1000 SIGKILL']);
  expect(world.lines.slice(2)).toEqual([
    'run.1000: Process running mem=1025M(200.2%)',
    'run.1000: Error R15 (Memory quota vastly exceeded)',
    'run.1000: Stopping process with SIGKILL',
    'run.1000: Process exited with status 137',
    'run.1000: State changed from up to complete',
  ]);
});

test('at the end of its time it gets SIGTERM, and SIGKILL 30 seconds later; a stop does the same', async () => {
  await using world = await dynoWorld();
  world.release();
  const runs = await runsOf(world);
  world.runtime.ignoresTerm = true;
  await runs.start(app(world), { command: 'sleep 900', timeToLive: 600 }, USER);
  await world.clock.pass(599_999);
  expect(world.runtime.signals).toEqual([]);
  await world.clock.pass(1);
  expect([world.runtime.signals, runs.list(APP.id)[0]?.state]).toEqual([['run.1000 SIGTERM'], 'stopping']);
  await world.clock.pass(30_000);
  expect(world.lines.slice(3)).toEqual([
    'run.1000: Cycling',
    'run.1000: Stopping all processes with SIGTERM',
    'run.1000: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM',
    'run.1000: Stopping remaining processes with SIGKILL',
    'run.1000: Process exited with status 137',
    'run.1000: State changed from up to complete',
  ]);
  world.runtime.ignoresTerm = false;
  const { name } = await runs.start(app(world), { command: 'sleep 900' }, USER);
  runs.stop(app(world), name);
  await settled();
  expect(runs.list(APP.id)).toEqual([]);
  expect(() => {
    runs.stop(app(world), name);
  }).toThrow('It has ended.');
  expect(() => {
    runs.stop(app(world), 'web.1');
  }).toThrow('has no one-off dyno web.1');
});

test('without a time of its own it lives for 24 hours, over starts of the engine as well', async () => {
  await using world = await dynoWorld();
  world.release();
  const before = await runsOf(world);
  const { id } = await before.start(app(world), { command: 'sleep 99999' }, USER);
  await world.clock.pass(20 * 3_600_000);
  await before.close('keep');
  const lines = world.lines.length;
  const runs = await runsOf(world);
  expect(runs.list(APP.id).map((run) => run.id)).toEqual([id]);
  await world.clock.pass(4 * 3_600_000 - 1);
  expect(world.lines).toHaveLength(lines);
  await world.clock.pass(1);
  expect(world.lines.slice(lines)).toEqual([
    'run.1000: Cycling',
    'run.1000: Stopping all processes with SIGTERM',
    'run.1000: Process exited with status 143',
    'run.1000: State changed from up to complete',
  ]);
});

test('the next engine tells of those that ended meanwhile, and of those that have gone; others are left alone', async () => {
  await using world = await dynoWorld();
  world.release();
  const before = await runsOf(world);
  const order = { command: 'sleep 99' };
  const ended = await before.start(app(world), order, USER);
  const gone = await before.start(app(world), order, USER);
  await before.close('keep');
  world.runtime.exit(ended.name, 5);
  world.runtime.dynos.delete(gone.id);
  world.lines.length = 0;
  await world.manager.start();
  const runs = await runsOf(world);
  // The fake runtime does not tell of the end of an output that had ended before.
  await world.clock.pass(2_000);
  expect(world.lines.filter((line) => line.startsWith('run.'))).toEqual([
    `${gone.name}: Error R99 (Platform error) -> The dyno was gone when Slipway started again`,
    `${gone.name}: State changed from up to complete`,
    `${ended.name}: Process exited with status 5`,
    `${ended.name}: State changed from up to complete`,
  ]);
  expect([world.store.runs(), runs.list(APP.id)]).toEqual([[], []]);
  expect([...world.runtime.dynos.values()].map((dyno) => dyno.name)).toEqual(['web.1']);
});

test('the dyno manager adopts none of them and shows none of them', async () => {
  await using world = await dynoWorld();
  world.release();
  const runs = await runsOf(world);
  const { id } = await runs.start(app(world), { command: 'sleep 99' }, USER);
  await world.manager.start();
  await settled();
  expect(world.manager.dynos(APP.id).map((dyno) => dyno.name)).toEqual(['web.1']);
  world.manager.restart(APP.id, () => true);
  await settled();
  expect([world.runtime.dynos.get(id)?.exit, runs.list(APP.id).length]).toEqual([null, 1]);
});

test('one that cannot be started says why, and nothing is left of it', async () => {
  await using world = await dynoWorld();
  const runs = await runsOf(world);
  await expect(runs.start(app(world), { command: 'ls' }, USER)).rejects.toMatchObject({ code: 'no_release' });
  world.release();
  world.runtime.startProblem = new RuntimeError('unavailable', 'Docker is away.');
  const starting = runs.start(app(world), { command: 'ls' }, USER);
  await expect(starting).rejects.toMatchObject({ code: 'runtime_unavailable' });
  await turn();
  expect(world.lines.at(-1)).toBe(
    'run.1000: Error R99 (Platform error) -> The dyno could not be started: Docker is away.',
  );
  expect([runs.list(APP.id), world.store.runs()]).toEqual([[], []]);
});

test('one that is stopped while it starts ends as soon as it runs; with its app it goes without a word', async () => {
  await using world = await dynoWorld();
  world.release();
  const runs = await runsOf(world);
  const gate = Promise.withResolvers<void>();
  world.runtime.startGate = gate.promise;
  const starting = runs.start(app(world), { command: 'ls' }, USER);
  await settled();
  expect(runs.list(APP.id).map((run) => run.state)).toEqual(['starting']);
  runs.stop(app(world), 'run.1000');
  gate.resolve();
  await starting;
  await settled();
  expect([world.runtime.signals, runs.list(APP.id)]).toEqual([['run.1000 SIGTERM'], []]);
  await runs.start(app(world), { command: 'ls' }, USER);
  const lines = world.lines.length;
  await runs.abandon(APP.id);
  expect([world.lines.length, [...world.runtime.dynos.keys()]]).toEqual([lines, []]);
});

test('an engine that ends with its dynos stops them; it starts no more', async () => {
  await using world = await dynoWorld();
  world.release();
  const runs = await runsOf(world);
  await runs.start(app(world), { command: 'sleep 99' }, USER);
  await runs.close('stop');
  expect(world.lines.at(-1)).toBe('run.1000: State changed from up to complete');
  await expect(runs.start(app(world), { command: 'ls' }, USER)).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('a command inside a dyno gets the variables of its release; one that does not run takes none', async () => {
  await using world = await dynoWorld();
  world.release();
  world.store.atomically(() => world.ledger.configure(APP.id, { COLOR: 'green' }, USER));
  await world.manager.start();
  await settled();
  const runs = await runsOf(world);
  const specs: InsideSpec[] = [];
  const problem = new RuntimeError('not_found', 'It has just ended.');
  Object.assign(world.runtime, {
    openInside: (spec: InsideSpec) => {
      specs.push(spec);
      return Promise.reject(problem);
    },
  });
  const inside = async (dyno: string): Promise<void> => {
    const order = { command: 'bash', columns: 80, rows: 24, dyno };
    const caller = { user: USER, signal: new AbortController().signal };
    for await (const event of runs.open(app(world), order, caller)) expect(event).toBeNull();
  };
  await expect(inside('web.1')).rejects.toMatchObject({ code: 'not_found', message: 'It has just ended.' });
  expect(specs).toMatchObject([
    { dynoName: 'web.1', command: 'bash', env: { COLOR: 'green', DYNO: 'web.1', TERM: 'xterm-256color' } },
  ]);
  await expect(inside('web.2')).rejects.toThrow('shop has no dyno web.2');
  expect(world.lines.filter((line) => line.includes('inside'))).toEqual([
    'api: Starting process with command `bash` inside web.1 by user ann',
  ]);
});
