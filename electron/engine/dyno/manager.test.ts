import { expect, test } from 'vitest';
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
    'web.1: Error R14 (Memory quota exceeded) -> The system killed a process of the dyno because its memory was used up',
    'web.1: Process exited with status 137',
    'web.1: State changed from up to crashed',
  ]);
  expect(only(world)).toMatchObject({ state: 'crashed', reason: 'it ran out of memory (exit code 137)' });
  expect(world.problems).toEqual([]);
});
