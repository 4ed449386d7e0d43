import { expect, test } from 'vitest';
import { PLATFORM_TIMERS } from './context.ts';
import { APP, dynoWorld, settled } from './testing.ts';

test('a web dyno that does not listen is killed after a minute and starts again', async () => {
  await using world = await dynoWorld();
  world.runtime.isListening = () => Promise.resolve(false);
  await world.manager.start();
  world.release();
  world.manager.appChanged(APP.id);
  await settled();
  await world.clock.pass(PLATFORM_TIMERS.boot - 1);
  expect(world.lines).toEqual(['web.1: Starting process with command `node server.js`']);
  await world.clock.pass(1);
  expect(world.lines.slice(1, 5)).toEqual([
    'web.1: Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch',
    'web.1: Stopping process with SIGKILL',
    'web.1: Process exited with status 137',
    'web.1: State changed from starting to crashed',
  ]);
});
