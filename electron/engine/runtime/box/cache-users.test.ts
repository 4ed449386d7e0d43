import { expect, it } from 'vitest';
import { CacheUsers } from './cache-users.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('tells a removal which apps are built', async () => {
  const users = new CacheUsers();
  const leave = await users.enter('a');
  await users.enter('a');
  leave();
  leave();
  await users.clean(async (isBusy, anyBusy) => {
    expect([isBusy('a'), isBusy('b'), anyBusy]).toEqual([true, false, true]);
  });
  const other = new CacheUsers();
  (await other.enter('a'))();
  await other.clean(async (isBusy, anyBusy) => {
    expect([isBusy('a'), anyBusy]).toEqual([false, false]);
  });
});

it('lets builds wait for a removal, also for one that fails, and removals for each other', async () => {
  const users = new CacheUsers();
  const steps: string[] = [];
  const go = Promise.withResolvers<void>();
  const first = users.clean(async () => {
    await go.promise;
    steps.push('first');
    throw new Error('disk gone');
  });
  const second = users.clean(async () => {
    await turn();
    steps.push('second');
  });
  const build = users.enter('a').then(() => steps.push('build'));
  await turn();
  expect(steps).toEqual([]);
  go.resolve();
  await expect(first).rejects.toThrow('disk gone');
  await Promise.all([second, build]);
  expect(steps).toEqual(['first', 'second', 'build']);
});
