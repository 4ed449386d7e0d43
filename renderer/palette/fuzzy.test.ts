import { describe, expect, it } from 'vitest';
import { fuzzyScore } from './fuzzy.ts';

describe('finding a command', () => {
  it('takes letters in order, and none that are missing', () => {
    expect(fuzzyScore('sw', 'Scale web to…')).not.toBeNull();
    expect(fuzzyScore('ws', 'Scale web to…')).toBeNull();
    expect(fuzzyScore('', 'anything')).not.toBeNull();
  });

  it('prefers beginnings of words and letters side by side', () => {
    const better = (typed: string, one: string, other: string): void => {
      expect(fuzzyScore(typed, one) ?? -99).toBeGreaterThan(fuzzyScore(typed, other) ?? -99);
    };
    better('log', 'Go to logs', 'Large old gate');
    better('rb', 'Roll back', 'Overboard');
    better('shop', 'shop', 'shop-old-api');
  });
});
