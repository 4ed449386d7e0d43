import { expect, test } from 'vitest';
import { expandCommand, pickRunName } from './command.ts';

const TYPES = { web: 'node server.js --port $PORT', 'db-console': 'psql "$DATABASE_URL"' };

test.each([
  ['web', 'node server.js --port $PORT'],
  ['web --verbose "a  b"', 'node server.js --port $PORT --verbose "a  b"'],
  ['db-console -c "select 1"\n', 'psql "$DATABASE_URL" -c "select 1"\n'],
  ['web\t-x\nls', 'node server.js --port $PORT\t-x\nls'],
  ['website', 'website'],
  ['echo web', 'echo web'],
  ['"web" x', '"web" x'],
  ['toString', 'toString'],
  ['__proto__ x', '__proto__ x'],
  ['', ''],
])('%j runs %j', (command, expected) => {
  expect(expandCommand(command, TYPES)).toBe(expected);
});

test('names have four digits and are not taken', () => {
  expect(pickRunName(new Set(), 0)).toBe('run.1000');
  expect(pickRunName(new Set(), 0.999_999_9)).toBe('run.9999');
  expect(pickRunName(new Set(['run.9999', 'run.1000']), 0.999_999_9)).toBe('run.1001');
  const taken = new Set<string>();
  for (let made = 0; made < 9_000; made += 1) {
    const name = pickRunName(taken, (made * 0.618_034) % 1);
    expect(name).toMatch(/^run\.\d{4}$/);
    taken.add(name ?? '');
  }
  expect(taken.size).toBe(9_000);
  expect(pickRunName(taken, 0.5)).toBeNull();
});
