import { expect, test } from 'vitest';
import type { AppOptions } from '#shared/model/options.ts';
import type { Route } from '../router/routing-table.ts';
import { APP, type DynoWorld, dynoWorld, settled } from './testing.ts';

const MINUTE = 60_000;

interface SleepyWorld extends DynoWorld {
  readonly requests: { total: number; inFlight: number };
  readonly routes: Route[];
  set(options: Partial<AppOptions>): void;
}

/** An app whose web dyno is up, and the requests that it got. */
async function awake(size = 'Eco', web = 1): Promise<SleepyWorld> {
  const requests = { total: 0, inFlight: 0 };
  const routes: Route[] = [];
  const world = await dynoWorld({
    requests: () => requests,
    routing: {
      setRoute: (route) => routes.push(route),
      removeRoute: () => undefined,
      drained: () => Promise.resolve(),
    },
  });
  world.store.setFormation(APP.id, { type: 'web', quantity: web, size });
  world.store.setFormation(APP.id, { type: 'worker', quantity: 1, size });
  await world.manager.start();
  world.release({ web: 'node server.js', worker: 'node worker.js' });
  world.manager.appChanged(APP.id);
  await settled();
  // A worker counts as up after half a real second.
  await new Promise((done) => setTimeout(done, 550));
  await settled();
  world.lines.length = 0;
  const set = (options: Partial<AppOptions>): void => {
    const before = world.store.findApp(APP.id)?.options;
    if (before !== undefined) world.store.setAppOptions(APP.id, { ...before, ...options });
    world.manager.appChanged(APP.id);
  };
  return Object.assign(world, { requests, routes, set });
}

const states = (world: DynoWorld): string[] =>
  world.manager.dynos(APP.id).map((dyno) => `${dyno.name} ${dyno.state}`);

test('an app on Eco dynos sleeps after half an hour without a request, its workers as well', async () => {
  await using world = await awake();
  await world.clock.pass(29 * MINUTE);
  expect(states(world)).toEqual(['web.1 up', 'worker.1 up']);
  world.requests.total += 1;
  await world.clock.pass(29 * MINUTE);
  world.requests.inFlight = 1;
  await world.clock.pass(29 * MINUTE);
  world.requests.inFlight = 0;
  await world.clock.pass(29 * MINUTE);
  expect(world.lines).toEqual([]);
  await world.clock.pass(2 * MINUTE);
  expect(states(world)).toEqual(['web.1 idle', 'worker.1 idle']);
  expect(world.routes.at(-1)).toMatchObject({ state: 'asleep', backends: [] });
  expect(world.lines.filter((line) => line.startsWith('web.1'))).toEqual([
    'web.1: Idling',
    'web.1: State changed from up to down',
    'web.1: Stopping all processes with SIGTERM',
    'web.1: Process exited with status 143',
  ]);
  expect(world.store.findApp(APP.id)?.asleepSince).not.toBeNull();
});

test('a request wakes it, and the log says how long that took', async () => {
  await using world = await awake();
  await world.clock.pass(31 * MINUTE);
  world.lines.length = 0;
  world.manager.wake(APP.id);
  world.manager.wake(APP.id);
  expect(world.routes.at(-1)?.state).toBe('starting');
  await settled();
  expect(world.routes.at(-1)).toMatchObject({ state: 'up' });
  expect(world.lines.filter((line) => line.startsWith('web.1'))).toEqual([
    'web.1: Unidling',
    'web.1: State changed from down to starting',
    'web.1: Starting process with command `node server.js`',
    'web.1: State changed from starting to up',
    'web.1: Awake after 0.0 s',
  ]);
  expect(world.store.findApp(APP.id)?.asleepSince).toBeNull();
  await world.clock.pass(20 * MINUTE);
  expect(states(world)[0]).toBe('web.1 up');
});

test.each(['a release', 'scaling', 'a restart', 'the option'])('%s wakes it', async (what) => {
  await using world = await awake();
  await world.clock.pass(31 * MINUTE);
  if (what === 'a release') world.release({ web: 'node server.js' });
  if (what === 'scaling') world.store.setFormation(APP.id, { type: 'worker', quantity: 0, size: 'Eco' });
  if (what === 'a restart') world.manager.restart(APP.id, () => true);
  else if (what === 'the option') world.set({ sleepAfterMinutes: 0 });
  else world.manager.appChanged(APP.id);
  await settled();
  expect(states(world)[0]).toBe('web.1 up');
});

test('it still sleeps for the next engine, and that one wakes it', async () => {
  await using world = await awake();
  await world.clock.pass(31 * MINUTE);
  world.manager.close();
  const { DynoManager } = await import('./manager.ts');
  const next = new DynoManager(world.options);
  await next.start();
  await settled();
  expect(next.dynos(APP.id).map(({ state }) => state)).toEqual(['idle', 'idle']);
  next.wake(APP.id);
  await settled();
  expect(next.dynos(APP.id)[0]?.state).toBe('up');
  next.close();
});

test('others never sleep by themselves; the option makes them, unless they have more than one web dyno', async () => {
  await using standard = await awake('Standard-1X');
  await standard.clock.pass(600 * MINUTE);
  expect(states(standard)[0]).toBe('web.1 up');
  standard.set({ sleepAfterMinutes: 5 });
  await settled();
  await standard.clock.pass(6 * MINUTE);
  expect(states(standard)[0]).toBe('web.1 idle');
  await using two = await awake('Standard-1X', 2);
  two.set({ sleepAfterMinutes: 5 });
  await two.clock.pass(60 * MINUTE);
  expect(states(two)[0]).toBe('web.1 up');
});
