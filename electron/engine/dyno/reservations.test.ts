import { describe, expect, it } from 'vitest';
import { APP, type DynoWorld, dynoWorld, settled } from './testing.ts';

const MINUTE = 60_000;

/** A world whose app serves its first release, after a quiet moment. */
async function serving(): Promise<DynoWorld> {
  const world = await dynoWorld();
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  await world.clock.pass(2_000);
  return world;
}

const scale = (world: DynoWorld, quantity: number, size = 'Standard-1X'): void => {
  world.store.setFormation(APP.id, { type: 'web', quantity, size });
  world.manager.appChanged(APP.id);
};
const idOf = (world: DynoWorld, name: string): string | undefined =>
  world.manager.dynos(APP.id).find((dyno) => dyno.name === name)?.id;

describe('places for dynos that may start soon', () => {
  it('there are two once a release serves, and nobody sees them', async () => {
    await using world = await serving();
    expect(world.runtime.places.size).toBe(2);
    expect(world.manager.dynos(APP.id).map((dyno) => dyno.name)).toEqual(['web.1']);
    expect(world.problems).toEqual([]);
  });

  it('dynos that are added take them, further ones start as ever, and new places are made', async () => {
    await using world = await serving();
    const places = [...world.runtime.places];
    scale(world, 4);
    await settled();
    expect(['web.2', 'web.3'].map((name) => idOf(world, name))).toEqual(places);
    expect(places).not.toContain(idOf(world, 'web.4'));
    await world.clock.pass(2_000);
    expect(world.runtime.places.size).toBe(2);
  });

  it('the next release takes one when it begins with the same parts', async () => {
    await using world = await serving();
    const places = [...world.runtime.places];
    world.release();
    world.manager.appChanged(APP.id);
    await settled();
    expect(places).toContain(idOf(world, 'web.1'));
  });

  it('a release that begins otherwise takes none; once it serves, the places are its own', async () => {
    await using world = await serving();
    const places = [...world.runtime.places];
    world.packages = 'other packages';
    world.release();
    world.manager.appChanged(APP.id);
    await settled();
    expect(places).not.toContain(idOf(world, 'web.1'));
    await world.clock.pass(2_000);
    expect(world.runtime.removed).toEqual(expect.arrayContaining(places));
    expect(world.runtime.places.size).toBe(2);
  });

  it('a dyno of another size takes none', async () => {
    await using world = await serving();
    const places = [...world.runtime.places];
    scale(world, 2, 'Standard-2X');
    await settled();
    expect(places).not.toContain(idOf(world, 'web.2'));
    await world.clock.pass(2_000);
    expect(world.runtime.reserved.slice(-2).map((place) => place.size.name)).toEqual([
      'Standard-2X',
      'Standard-2X',
    ]);
    expect(world.runtime.places.size).toBe(2);
  });

  it('a crashed dyno starts again in one; crashes do not keep places for longer', async () => {
    await using world = await serving();
    const places = [...world.runtime.places];
    world.runtime.exit('web.1', 1);
    await settled();
    await world.clock.pass(200);
    expect(places).toContain(idOf(world, 'web.1'));
    await world.clock.pass(4 * MINUTE);
    world.runtime.exit('web.1', 1);
    await world.clock.pass(2 * MINUTE);
    expect(world.runtime.places.size).toBe(0);
  });

  it('they go five minutes after the app was last used, and come back with the next use', async () => {
    await using world = await serving();
    await world.clock.pass(5 * MINUTE);
    expect(world.runtime.places.size).toBe(0);
    scale(world, 2);
    await settled();
    await world.clock.pass(2_000);
    expect(world.runtime.places.size).toBe(2);
  });

  it('they go with the app', async () => {
    await using world = await serving();
    await world.manager.appRemoved(APP.id);
    expect(world.runtime.places.size).toBe(0);
  });

  it('while a build runs none is made but its first', async () => {
    await using world = await serving();
    await world.clock.pass(6 * MINUTE);
    const build = world.manager.reserve(APP.id);
    await settled();
    expect(world.runtime.places.size).toBe(1);
    await world.clock.pass(10 * MINUTE);
    expect(world.runtime.places.size).toBe(1);
    build.release();
    await world.clock.pass(1_000);
    expect(world.runtime.places.size).toBe(0);
  });

  it('an app that was not deployed yet has none, and a runtime that makes none is not asked again and again', async () => {
    await using world = await dynoWorld();
    await world.manager.start();
    world.manager.reserve(APP.id).release();
    await settled();
    expect(world.runtime.reserved).toEqual([]);
    world.runtime.makesPlaces = false;
    world.release();
    world.manager.appChanged(APP.id);
    await world.clock.pass(MINUTE);
    expect(world.manager.dynos(APP.id).map((dyno) => dyno.state)).toEqual(['up']);
    expect(world.problems).toEqual([]);
  });
});
