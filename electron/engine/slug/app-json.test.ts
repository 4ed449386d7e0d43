import { expect, test } from 'vitest';
import { readFormation } from './app-json.ts';

const TYPES = ['web', 'worker', 'release'];
const read = (formation: unknown) => readFormation(JSON.stringify({ name: 'x', formation }), TYPES);
const rowsOf = (formation: unknown) =>
  read(formation).rows.map(({ type, quantity, size }) => `${type}@${String(quantity)}:${size}`);

test('quantities and sizes of the types that the app has; others begin as always', () => {
  expect(rowsOf({ web: { quantity: 2, size: 'standard-2x' } })).toEqual([
    'web@2:Standard-2X',
    'worker@0:Standard-1X',
  ]);
  expect(rowsOf({ worker: { quantity: 3 }, release: { size: 'PERFORMANCE-M' } })).toEqual([
    'web@1:Standard-1X',
    'worker@3:Standard-1X',
    'release@0:Performance-M',
  ]);
  expect(read({ web: { quantity: 0, size: 'basic' } })).toEqual({
    rows: TYPES.map((type) => ({ type, quantity: 0, size: 'Basic' })),
    warnings: [],
  });
});

test.each(['{}', '{"name":"x"}', '{"formation":{}}', '\uFEFF{"formation":{}}'])(
  '%s asks for nothing',
  (text) => {
    expect(readFormation(text, TYPES)).toEqual({ rows: [], warnings: [] });
  },
);

test.each([
  ['{"formation":', [], /^app\.json is no valid JSON, so its formation is not used: /],
  ['[1]', [], /^formation of app\.json is not used: it has to look like/],
  ['{"formation":[]}', [], /^formation of app\.json is not used: it has to look like/],
])('%s is a warning', (text, rows, warning) => {
  expect(readFormation(text, TYPES)).toEqual({ rows, warnings: [expect.stringMatching(warning)] });
});

test.each([
  [
    { clock: { quantity: 1 } },
    [],
    /no process type "clock", so it is skipped\. Types: web, worker, release\.$/,
  ],
  [{ constructor: { quantity: 1 } }, [], /no process type "constructor"/],
  [{ web: 2 }, ['web@1:Standard-1X', 'worker@0:Standard-1X'], /web has to look like/],
  [{ web: { quantity: '2' } }, ['web@1:Standard-1X', 'worker@0:Standard-1X'], /quantity of web is not used/],
  [{ web: { quantity: -1 } }, ['web@1:Standard-1X', 'worker@0:Standard-1X'], /quantity of web is not used/],
  [
    { web: { quantity: 2, size: 'huge' } },
    ['web@2:Standard-1X', 'worker@0:Standard-1X'],
    /none of eco, basic, /,
  ],
  [
    { web: { quantity: 2, size: 7 } },
    ['web@2:Standard-1X', 'worker@0:Standard-1X'],
    /size of web is not used/,
  ],
  [
    { worker: { quantity: 400 } },
    ['web@1:Standard-1X', 'worker@100:Standard-1X'],
    /no more than 100 Standard-1X/,
  ],
  [
    { web: { quantity: 3, size: 'eco' } },
    ['web@1:Eco', 'worker@0:Eco', 'release@0:Eco'],
    /no more than 1 Eco/,
  ],
  [
    { web: { size: 'standard-1x' }, worker: { quantity: 1, size: 'eco' } },
    ['web@1:Eco', 'worker@1:Eco', 'release@0:Eco'],
    /all begin as Eco/,
  ],
  [
    { release: { quantity: 1 } },
    ['web@1:Standard-1X', 'worker@0:Standard-1X', 'release@0:Standard-1X'],
    /release has no quantity/,
  ],
])('%j: what is wrong is a warning, the rest counts', (formation, rows, warning) => {
  expect([rowsOf(formation), read(formation).warnings]).toEqual([rows, [expect.stringMatching(warning)]]);
});
