import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('the restart policy is held only where SLIPWAY_RESTART names one', () => {
  expect(readSettings({}).restart).toBeNull();
  expect(readSettings({ SLIPWAY_RESTART: '' }).restart).toBeNull();
  expect(readSettings({ SLIPWAY_RESTART: 'heroku' }).restart).toBe('heroku');
});

test('a wrong value is refused with the name of the setting and what it may be', () => {
  expect(() => readSettings({ SLIPWAY_RESTART: 'never' })).toThrow(
    'SLIPWAY_RESTART has to be short (crashed dynos wait seconds) or heroku (minutes to hours, as on the platform)',
  );
});
