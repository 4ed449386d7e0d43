import { expect, test } from 'vitest';
import type { Route } from '../router/routing-table.ts';
import { APP, dynoWorld, settled } from './testing.ts';

test('requests wait while a dyno starts again after its first crash; of an app that goes on crashing they are told', async () => {
  const routes: Route['state'][] = [];
  await using world = await dynoWorld({
    routing: {
      setRoute: ({ state }) => routes.push(state),
      removeRoute: () => undefined,
      drained: () => Promise.resolve(),
    },
  });
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  expect(routes.at(-1)).toBe('up');
  routes.length = 0;
  world.runtime.exit('web.1', 137);
  await settled();
  expect(routes.at(-1)).toBe('up');
  expect(routes).toContain('starting');
  expect(routes).not.toContain('crashed');
  world.runtime.exit('web.1', 1);
  await settled();
  expect(routes.at(-1)).toBe('crashed');
});

test('all apps are known to the router before a dyno of them is looked for', async () => {
  const routes: Route[] = [];
  await using world = await dynoWorld({
    routing: {
      setRoute: (route) => routes.push(route),
      removeRoute: () => undefined,
      drained: () => Promise.resolve(),
    },
  });
  world.release();
  world.manager.announce();
  expect(routes).toMatchObject([{ appId: APP.id, appName: APP.name, state: 'starting', backends: [] }]);
});
