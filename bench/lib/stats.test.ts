import { describe, expect, it } from 'vitest';
import { median, ratio } from './stats.ts';

describe('median', () => {
  it('is the middle value, or the mean of the middle two, in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow(/at least one/);
  });
});

describe('ratio', () => {
  it('tells times as ours to theirs and speeds the other way round', () => {
    expect(ratio('at-most', [1, 2, 3], [4, 4, 4])).toBe(0.5);
    expect(ratio('at-least', [2, 2, 2], [1, 1, 1])).toBe(0.5);
  });
});
