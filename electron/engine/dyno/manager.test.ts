import { expect, test } from 'vitest';
import { RuntimeError } from '../runtime/runtime.ts';
import { ChecksumError } from '../slug/checksum.ts';
import { MEMORY_EVERY } from './memory-watch.ts';
import { APP, type DynoWorld, dynoWorld, settled } from './testing.ts';

const MIB = 2 ** 20;

/** A world whose app has one web dyno up. */
async function running(): Promise<DynoWorld> {
  const world = await dynoWorld();
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  expect(world.lines).toEqual([
    'web.1: Starting process with command `node server.js`',
    'web.1: State changed from starting to up',
  ]);
  world.lines.length = 0;
  return world;
}

const only = (world: DynoWorld) => world.manager.dynos(APP.id)[0];

test('over its memory quota a dyno is told so with each look; at twice the quota it is killed and started again', async () => {
  await using world = await running();
  const { runtime, clock, lines } = world;
  runtime.memory.set('web.1', 514 * MIB);
  await clock.pass(2 * MEMORY_EVERY);
  const warning = ['web.1: Process running mem=514M(100.4%)', 'web.1: Error R14 (Memory quota exceeded)'];
  expect(lines).toEqual([...warning, ...warning]);
  expect([only(world)?.state, runtime.memoryReads]).toEqual(['up', 2]);
  lines.length = 0;
  runtime.memory.set('web.1', 1038.5 * MIB);
  await clock.pass(MEMORY_EVERY);
  expect(lines).toEqual([
    'web.1: Process running mem=1038M(202.8%)',
    'web.1: Error R15 (Memory quota vastly exceeded)',
    'web.1: Stopping process with SIGKILL',
    'web.1: Process exited with status 137',
    'web.1: State changed from up to crashed',
    'web.1: State changed from crashed to starting',
    'web.1: Starting process with command `node server.js`',
    'web.1: State changed from starting to up',
  ]);
  expect(runtime.signals).toEqual(['web.1 SIGKILL']);
});

test('a dyno of a size above the machine says so, and its quota is what there is', async () => {
  await using world = await dynoWorld();
  const { runtime, lines, clock } = world;
  runtime.machineMiB = 7_986.4;
  world.store.setFormation(APP.id, { type: 'web', quantity: 1, size: 'Performance-L' });
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  expect(lines).toEqual([
    'web.1: Starting process with command `node server.js`',
    'web.1: Performance-L has 14 GB of memory, this machine 7.8 GB: the dyno gets what there is',
    'web.1: State changed from starting to up',
  ]);
  lines.length = 0;
  runtime.memory.set('web.1', 7_985 * MIB);
  await clock.pass(MEMORY_EVERY);
  expect(lines).toEqual([]);
  runtime.memory.set('web.1', 7_987 * MIB);
  await clock.pass(MEMORY_EVERY);
  expect(lines[1]).toBe('web.1: Error R14 (Memory quota exceeded)');
});

test('nothing starts from a slug that was damaged on the disk: R17, and it is tried again', async () => {
  await using world = await dynoWorld();
  const { runtime, lines, clock } = world;
  runtime.damage = new ChecksumError('a'.repeat(64), 'b'.repeat(64));
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  const r17 = `web.1: Error R17 (Checksum error) -> Checksum does match expected value. Expected: SHA256:${'a'.repeat(64)} Actual: SHA256:${'b'.repeat(64)}`;
  expect(lines.slice(0, 2)).toEqual([r17, 'web.1: State changed from starting to crashed']);
  expect([runtime.specs.size, world.problems]).toEqual([0, []]);
  expect(only(world)?.reason).toMatch(/^it could not be started: The file of the slug aaaaaaaa was damaged/);
  runtime.damage = null;
  await clock.pass(60_000);
  expect(only(world)?.state).toBe('up');
});

test('with the option a dyno is told of its app, its release and its slug', async () => {
  await using world = await dynoWorld();
  const { runtime, store, manager } = world;
  await manager.start();
  world.release();
  manager.appChanged(APP.id);
  await settled();
  const told = () => [...runtime.specs.values()].at(-1)?.env ?? {};
  expect(told()).toEqual({ DYNO: 'web.1' });
  store.setAppOptions(APP.id, {
    ...{ deployOnSave: false, deployOrder: 'platform', sleepAfterMinutes: null, dynoMetadata: true },
    ...{ maintenance: false, sessionAffinity: false, dynoChoice: 'random', builder: 'heroku/builder:24' },
  });
  world.release();
  manager.appChanged(APP.id);
  await settled();
  expect(told()).toEqual({
    DYNO: 'web.1',
    HEROKU_APP_ID: APP.id,
    HEROKU_APP_NAME: 'shop',
    HEROKU_APP_DEFAULT_DOMAIN_NAME: 'shop.localhost',
    HEROKU_DYNO_ID: only(world)?.id,
    HEROKU_RELEASE_CREATED_AT: '2023-11-14T22:13:20Z',
    HEROKU_RELEASE_VERSION: 'v4',
    HEROKU_SLUG_DESCRIPTION: 'Deploy slug s2000000',
    HEROKU_BUILD_DESCRIPTION: 'Deploy slug s2000000',
  });
});

test('a crash says why: out of memory, or an end with code 0, which is a crash as well', async () => {
  await using world = await running();
  world.runtime.exit('web.1', 0);
  await settled();
  expect(world.lines.slice(0, 2)).toEqual([
    'web.1: Process exited with status 0',
    'web.1: State changed from up to crashed',
  ]);
  world.lines.length = 0;
  world.runtime.exit('web.1', 137, true);
  await settled();
  expect(world.lines).toEqual([
    'web.1: Error R15 (Memory quota vastly exceeded) -> The system killed a process of the dyno, which had used up all memory that it may have',
    'web.1: Process exited with status 137',
    'web.1: State changed from up to crashed',
  ]);
  expect(only(world)).toMatchObject({ state: 'crashed', reason: 'it ran out of memory (exit code 137)' });
  expect(world.problems).toEqual([]);
});

/** Crashes web.1 as soon as it is up, so often. */
async function crash(world: DynoWorld, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    const due = Date.parse(only(world)?.nextStartAt ?? '') - world.clock.now();
    if (due > 0) await world.clock.pass(due);
    await settled();
    world.runtime.exit('web.1', 1);
    await settled();
  }
}

const waits = (world: DynoWorld): number => Date.parse(only(world)?.nextStartAt ?? '') - world.clock.now();

test('a dyno that crashes again and again waits longer; `restart` by its name starts it at once and forgets its crashes', async () => {
  await using world = await running();
  await crash(world, 4);
  expect([only(world)?.state, waits(world)]).toEqual(['crashed', 5_000]);
  world.lines.length = 0;
  world.manager.restart(APP.id, (dyno) => dyno.name === 'web.1');
  await settled();
  expect(only(world)).toMatchObject({ state: 'up' });
  expect(world.lines).toEqual([
    'web.1: Restarting',
    'web.1: State changed from crashed to starting',
    'web.1: Starting process with command `node server.js`',
    'web.1: State changed from starting to up',
  ]);
  await crash(world, 2);
  expect(waits(world)).toBe(1_000);
});

test('a stable run forgets the crashes before it', async () => {
  await using world = await running();
  await crash(world, 3);
  await world.clock.pass(2_000 + 60_000);
  expect(only(world)?.state).toBe('up');
  await crash(world, 2);
  expect(waits(world)).toBe(1_000);
});

test('a new release starts at once, however often the one before crashed', async () => {
  await using world = await running();
  await crash(world, 5);
  const version = world.release();
  world.manager.appChanged(APP.id);
  await settled();
  expect(only(world)).toMatchObject({ state: 'up', release: version });
});

test('a dyno that cannot be started crashes; one that is not wanted any more by then is just gone', async () => {
  await using world = await running();
  world.runtime.startProblem = new RuntimeError('disk_full', 'The disk is full.');
  world.manager.restart(APP.id, () => true);
  await settled();
  expect(world.lines.slice(1)).toEqual([
    'web.1: Error R99 (Platform error) -> The dyno could not be started: The disk is full.',
    'web.1: State changed from starting to crashed',
    'web.1: State changed from crashed to starting',
    'web.1: Error R99 (Platform error) -> The dyno could not be started: The disk is full.',
    'web.1: State changed from starting to crashed',
  ]);
  world.store.setFormation(APP.id, { type: 'web', quantity: 0, size: 'Standard-1X' });
  world.manager.appChanged(APP.id);
  await settled();
  expect(world.manager.dynos(APP.id)).toEqual([]);
  const gate = Promise.withResolvers<void>();
  world.runtime.startGate = gate.promise;
  world.store.setFormation(APP.id, { type: 'web', quantity: 1, size: 'Standard-1X' });
  world.manager.appChanged(APP.id);
  await settled();
  expect(only(world)?.state).toBe('starting');
  world.store.setFormation(APP.id, { type: 'web', quantity: 0, size: 'Standard-1X' });
  world.manager.appChanged(APP.id);
  await settled();
  expect(only(world)?.state).toBe('stopping');
  gate.resolve();
  await settled();
  expect([world.manager.dynos(APP.id), world.problems]).toEqual([[], []]);
  expect(world.lines.filter((line) => line.includes('stopping'))).toEqual([]);
});

const HOUR = 3_600_000;

test('where dynos are replaced daily, each goes a day and a bit after its start, when the new one is up', async () => {
  let cycling = false;
  await using world = await dynoWorld({ cycling: () => cycling });
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  const first = only(world)?.id;
  await world.clock.pass(30 * HOUR);
  expect(only(world)?.id).toBe(first);
  world.lines.length = 0;
  cycling = true;
  world.manager.optionsChanged();
  await settled();
  const second = only(world)?.id;
  expect(second).not.toBe(first);
  expect(world.lines).toEqual([
    'web.1: Cycling',
    'web.1: Starting process with command `node server.js`',
    'web.1: State changed from starting to up',
    'web.1: Stopping all processes with SIGTERM',
    'web.1: Process exited with status 143',
  ]);
  await world.clock.pass(23 * HOUR);
  expect(only(world)?.id).toBe(second);
  await world.clock.pass(2 * HOUR);
  expect(only(world)?.id).not.toBe(second);
});

test('the platform’s order stops the old dyno as the new one starts, and has the new release serve at once', async () => {
  await using world = await running();
  const options = {
    deployOnSave: false,
    deployOrder: 'platform',
    sleepAfterMinutes: null,
    dynoMetadata: false,
    maintenance: false,
    sessionAffinity: false,
    dynoChoice: 'random',
    builder: 'heroku/builder:24',
  } as const;
  world.store.setAppOptions(APP.id, options);
  const version = world.release();
  const gate = Promise.withResolvers<void>();
  world.runtime.startGate = gate.promise;
  world.manager.appChanged(APP.id);
  await settled();
  expect(world.lines).toEqual([
    'web.1: Stopping all processes with SIGTERM',
    'web.1: Process exited with status 143',
  ]);
  expect([world.store.findApp(APP.id)?.serving, only(world)?.state]).toEqual([version, 'starting']);
  gate.resolve();
  await settled();
  expect(only(world)).toMatchObject({ state: 'up', release: version });
});

test('a release that never comes up is marked until it does, and the one before it serves on', async () => {
  await using world = await running();
  const before = world.store.findApp(APP.id)?.serving;
  const version = world.release();
  world.runtime.startProblem = new RuntimeError('failed', 'no room');
  world.manager.appChanged(APP.id);
  await settled();
  expect(world.store.findRelease(APP.id, version)?.problem).toBe(
    'web.1 crashed: it could not be started: no room',
  );
  expect([world.store.findApp(APP.id)?.serving, only(world)?.release]).toEqual([before, before]);
  world.runtime.startProblem = null;
  await world.clock.pass(5_000);
  expect(world.store.findRelease(APP.id, version)?.problem).toBeNull();
  expect(only(world)?.release).toBe(version);
});

test.each([-48, 48])(
  'nothing ends or starts because the clock of the machine jumps by %d hours',
  async (hours) => {
    await using world = await running();
    await crash(world, 3);
    const wait = waits(world);
    world.clock.jump = hours * HOUR;
    world.manager.appChanged(APP.id);
    await settled();
    expect([only(world)?.state, waits(world)]).toEqual(['crashed', wait]);
    await world.clock.pass(wait);
    expect(only(world)).toMatchObject({
      state: 'up',
      updatedAt: new Date(world.clock.now()).toISOString(),
    });
    const { signals } = world.runtime;
    expect(signals).toEqual([]);
  },
);

test('a runtime that does not answer is no crash of the dyno, which starts as soon as the runtime is back', async () => {
  await using world = await running();
  const { runtime, lines, clock } = world;
  runtime.available('lost');
  runtime.startProblem = new RuntimeError('unavailable', 'Docker does not answer.');
  runtime.exit('web.1', 0);
  await settled();
  await clock.pass(3 * 60_000);
  expect(lines.filter((text) => text.includes('R99')).length).toBeGreaterThan(1);
  expect(only(world)?.state).toBe('crashed');
  runtime.startProblem = null;
  runtime.available('back');
  await settled();
  expect(only(world)?.state).toBe('up');
  await crash(world, 1);
  expect(only(world)?.state).toBe('up');
});

test('a hand-over that the store has no room for is tried again, and the release before it serves until then', async () => {
  await using world = await running();
  const { store, clock, problems } = world;
  const setServing = store.setServing.bind(store);
  store.setServing = () => {
    throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
  };
  const version = world.release();
  world.manager.appChanged(APP.id);
  await settled();
  expect(store.findApp(APP.id)?.serving).toBe(version - 1);
  expect(problems[0]).toContain(`the hand-over to v${version} could not be written down`);
  store.setServing = setServing;
  await clock.pass(1_000);
  expect(store.findApp(APP.id)?.serving).toBe(version);
  expect(only(world)).toMatchObject({ state: 'up', release: version });
});

test('of a dyno that ends in a flood all is read, however long it takes; of one that is silent no more is waited for', async () => {
  await using world = await running();
  const { runtime, clock, lines } = world;
  const [dyno] = runtime.dynos.values();
  const sink = runtime.sinks.get(dyno?.id ?? '');
  // The runtime still hands out what was printed before the end.
  runtime.sinks.clear();
  runtime.exit('web.1', 1);
  for (let second = 1; second <= 5; second += 1) {
    await clock.pass(1_000);
    sink?.onBytes('stdout', Buffer.from(`late ${second}`), 0, '');
  }
  expect(lines).toEqual([]);
  await clock.pass(4_000);
  expect(world.printed).toContain('web.1: late 5');
  expect(lines[0]).toBe('web.1: Process exited with status 1');
});

test('an app goes only when nothing is being made for its dynos any more', async () => {
  await using world = await dynoWorld();
  const gate = Promise.withResolvers<void>();
  world.runtime.startGate = gate.promise;
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  let gone = false;
  const removal = world.manager.appRemoved(APP.id).then(() => {
    gone = true;
  });
  await settled();
  expect([gone, world.runtime.removed]).toEqual([false, []]);
  gate.resolve();
  await removal;
  expect(world.runtime.removed).toHaveLength(1);
  expect(world.runtime.dynos.size).toBe(0);
});
