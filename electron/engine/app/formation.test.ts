import { expect, test } from 'vitest';
import { APP, type DynoWorld, dynoWorld } from '../dyno/testing.ts';
import type { FormationRow } from '../store/rows.ts';
import { Apps } from './apps.ts';
import { firstRows } from './formation.ts';

/** An app with one web dyno, two workers and a release command. */
async function shop(): Promise<{ world: DynoWorld; apps: Apps; rows: () => FormationRow[] }> {
  const world = await dynoWorld();
  const { store, ledger, clock } = world;
  const apps = new Apps({ store, ledger, clock, routerPort: () => 1, dynos: () => [] });
  const { slugId } = store.atomically(() => world.addRelease({ web: 'w', worker: 'k', release: 'r' }));
  const { id } = store.pendingReleases(APP.id)[0] ?? { id: '' };
  store.settleRelease(id, 'succeeded');
  expect(slugId).toBe('s1');
  store.setFormation(APP.id, { type: 'worker', quantity: 2, size: 'Standard-2X' });
  return { world, apps, rows: () => store.formation(APP.id) };
}

const WEB = { type: 'web', quantity: 1, size: 'Standard-1X' };
const WORKER = { type: 'worker', quantity: 2, size: 'Standard-2X' };

test('several process types change as one; of two changes of one type the second goes on from the first', async () => {
  const { world, apps, rows } = await shop();
  await using _ = world;
  const changed = apps.scale(APP.id, [
    { type: 'web', quantity: '+1', size: 'Performance-M' },
    { type: 'worker', quantity: 5 },
    { type: 'web', quantity: '+1' },
  ]);
  expect(changed).toEqual([
    { type: 'web', quantity: 3, size: 'Performance-M' },
    { ...WORKER, quantity: 5 },
  ]);
  expect(rows()).toEqual(changed);
});

test.each([
  [
    'no_process_type',
    'Type clock not found in process formation. Types: web, worker.',
    { type: 'clock', quantity: 1 },
  ],
  ['no_process_type', 'Type release cannot be scaled', { type: 'release', quantity: 1 }],
  [
    'limit_reached',
    'Cannot update to more than 100 Standard-2X size dynos per process type.',
    { type: 'worker', quantity: 101 },
  ],
  [
    'limit_reached',
    'Cannot update to more than 1 Eco size dynos per process type.',
    { type: 'worker', size: 'Eco' },
  ],
  [
    'invalid_params',
    'worker cannot be Basic while web is Standard-2X',
    { type: 'worker', quantity: 1, size: 'Basic' },
  ],
])('one bad change of several changes nothing: %s, %s', async (code, message, bad) => {
  const { world, apps, rows } = await shop();
  await using _ = world;
  const good = {
    type: 'web',
    quantity: 4,
    size: 'size' in bad && bad.size === 'Eco' ? undefined : 'Standard-2X',
  };
  const scale = (): unknown => apps.scale(APP.id, [good, bad]);
  expect(scale).toThrow(message);
  expect(scale).toThrow(expect.objectContaining({ code }));
  expect(rows()).toEqual([WEB, WORKER]);
});

test('a type that becomes Eco or Basic takes all with it, and one that leaves it as well', async () => {
  const { world, apps, rows } = await shop();
  await using _ = world;
  const release = { type: 'release', quantity: 0 };
  expect(() => apps.scale(APP.id, [{ type: 'web', size: 'Eco' }])).toThrow(
    'Cannot update to more than 1 Eco size dynos per process type.',
  );
  const eco = apps.scale(APP.id, [
    { type: 'web', size: 'Eco' },
    { type: 'worker', quantity: 1 },
  ]);
  expect(eco.map(({ type, size }) => `${type} ${size}`)).toEqual(['web Eco', 'worker Eco', 'release Eco']);
  apps.scale(APP.id, [{ type: 'worker', size: 'Basic' }]);
  expect(rows().map((row) => row.size)).toEqual(['Basic', 'Basic', 'Basic']);
  expect(() => apps.scale(APP.id, [{ type: 'web', quantity: 2 }])).toThrow(
    'Cannot update to more than 1 Basic size dynos per process type.',
  );
  apps.scale(APP.id, [{ type: 'web', quantity: 2, size: 'Performance-L' }]);
  expect(rows()).toEqual([
    { ...release, size: 'Standard-1X' },
    { type: 'web', quantity: 2, size: 'Performance-L' },
    { type: 'worker', quantity: 1, size: 'Standard-1X' },
  ]);
});

test('types that are new: one web dyno, in the size that the app has for all', () => {
  const types = ['web', 'worker', 'release'];
  expect(firstRows(types, [], [])).toEqual([WEB, { type: 'worker', quantity: 0, size: 'Standard-1X' }]);
  expect(firstRows(types, [{ ...WEB, size: 'Eco' }], [WORKER])).toEqual([
    { type: 'worker', quantity: 0, size: 'Eco' },
  ]);
  expect(firstRows(types, [], [WORKER])).toEqual([WEB, WORKER]);
});
