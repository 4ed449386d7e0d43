import { describe, expect, it } from 'vitest';
import { countLines, lastNumbers } from '../faults/support/numbered-lines.ts';

const log = (...numbers: number[]): string[] => numbers.map((number) => `line a ${number}`);

describe('countLines', () => {
  it('finds nothing in a log that is whole', () => {
    expect(countLines([...log(1, 2), 'other', 'line b 1', ...log(3)], new Map([['a', 3]]))).toEqual({
      lost: 0,
      repeated: 0,
    });
  });

  it('counts numbers that are missing in the middle, and at the end when they were acknowledged', () => {
    expect(countLines(log(1, 4), new Map([['a', 6]]))).toEqual({ lost: 4, repeated: 0 });
    expect(countLines([], new Map([['a', 2]]))).toEqual({ lost: 2, repeated: 0 });
  });

  it('counts lines that are there twice or too late', () => {
    expect(countLines(log(1, 2, 2, 1, 3), new Map())).toEqual({ lost: 0, repeated: 2 });
  });

  it('goes on behind what was there before', () => {
    const before = lastNumbers(log(1, 2, 3));
    expect(countLines(log(4, 6), new Map(), before)).toEqual({ lost: 1, repeated: 0 });
  });
});
