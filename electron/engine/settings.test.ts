import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('crashed dynos wait seconds unless SLIPWAY_RESTART says as long as on the platform', () => {
  expect(readSettings({}).restart).toBe('short');
  expect(readSettings({ SLIPWAY_RESTART: '' }).restart).toBe('short');
  expect(readSettings({ SLIPWAY_RESTART: 'heroku' }).restart).toBe('heroku');
});

test('a wrong value is refused with the name of the setting and what it may be', () => {
  expect(() => readSettings({ SLIPWAY_RESTART: 'never' })).toThrow(
    'SLIPWAY_RESTART has to be short (crashed dynos wait seconds) or heroku (minutes to hours, as on the platform)',
  );
});
