import { expect, test } from 'vitest';
import { LogPosition, MomentReader } from './log-position.ts';

const at = (nanos: number, seconds = 1_700_000_000): { seconds: number; nanos: number } => ({
  seconds,
  nanos,
});

test('what was read before is told from what is new, also among messages of one moment', () => {
  const first = new LogPosition(undefined);
  expect(first.since()).toBe(0);
  expect(first.advance('stdout', at(5))).toBe(true);
  expect(first.advance('stdout', at(5))).toBe(true);
  const next = new LogPosition(first.toString());
  expect(['a', 'b', 'c'].map(() => next.advance('stdout', at(5)))).toEqual([false, false, true]);
  expect(next.advance('stdout', at(6))).toBe(true);
});

test('a message of the other stream is new even when it is older', () => {
  const first = new LogPosition(undefined);
  first.advance('stdout', at(9));
  const next = new LogPosition(first.toString());
  expect(next.since()).toBeLessThan(1_700_000_000);
  expect(next.advance('stderr', at(3))).toBe(true);
  expect(next.advance('stdout', at(9))).toBe(false);
});

test('reading again after a lost connection gives only the rest', () => {
  const position = new LogPosition(undefined);
  position.advance('stdout', at(1));
  position.advance('stdout', at(2));
  position.restart();
  expect([1, 2, 3].map((nanos) => position.advance('stdout', at(nanos)))).toEqual([false, false, true]);
  position.restart();
  expect([1, 2, 3, 4].map((nanos) => position.advance('stdout', at(nanos)))).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

test('what the daemon sends again from a new file is told from a clock that was set back', () => {
  const position = new LogPosition(undefined);
  const read = (...nanos: number[]): number[] => nanos.filter((each) => position.advance('stdout', at(each)));
  expect(read(1, 2, 2, 5, 7)).toEqual([1, 2, 2, 5, 7]);
  expect(read(2, 2, 5, 7, 7, 8)).toEqual([7, 8]);
  expect(read(3, 4)).toEqual([3, 4]);
  expect(position.toString()).toBe(`${1_700_000_000}.4.1,`);
});

test('times of Docker and of Podman are read to the nanosecond', () => {
  const reader = new MomentReader();
  expect(reader.read('2026-11-21T04:05:06.000000789Z')).toEqual({
    seconds: Date.parse('2026-11-21T04:05:06Z') / 1000,
    nanos: 789,
  });
  expect(reader.read('2026-11-21T06:05:06.5+02:00')).toEqual({
    seconds: Date.parse('2026-11-21T04:05:06Z') / 1000,
    nanos: 500_000_000,
  });
  expect(reader.read('2026-11-21T04:05:06Z')?.nanos).toBe(0);
  expect(reader.read('yesterday')).toBeNull();
});
