import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('the restart policy is held only where SLIPWAY_RESTART names one', () => {
  expect(readSettings({}).restart).toBeNull();
  expect(readSettings({ SLIPWAY_RESTART: '' }).restart).toBeNull();
  expect(readSettings({ SLIPWAY_RESTART: 'heroku' }).restart).toBe('heroku');
});

test('the router has one thread unless SLIPWAY_ROUTER_THREADS names more', () => {
  expect(readSettings({}).routerThreads).toBe(1);
  expect(readSettings({ SLIPWAY_ROUTER_THREADS: '16' }).routerThreads).toBe(16);
  for (const wrong of ['0', '17', 'two', '1.5'])
    expect(() => readSettings({ SLIPWAY_ROUTER_THREADS: wrong })).toThrow(
      'SLIPWAY_ROUTER_THREADS has to be a number from 1 to 16',
    );
});

test('a wrong value is refused with the name of the setting and what it may be', () => {
  expect(() => readSettings({ SLIPWAY_RESTART: 'never' })).toThrow(
    'SLIPWAY_RESTART has to be short (crashed dynos wait seconds) or heroku (minutes to hours, as on the platform)',
  );
});
