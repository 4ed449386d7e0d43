import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterCrash, RESTART_POLICIES } from './backoff.ts';

const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyCrashes = fc.integer({ min: 0, max: 1_000 });

describe.each(Object.entries(RESTART_POLICIES))('restart policy %s', (_name, policy) => {
  it('starts again at once after the first crash', () => {
    fc.assert(
      fc.property(anyRandom, (random) => {
        expect(afterCrash(policy, 0, null, random)).toEqual({ crashes: 1, wait: 0 });
      }),
    );
  });

  it('waits no longer than its step, no shorter than four fifths of it, and never less with more crashes', () => {
    fc.assert(
      fc.property(anyCrashes, anyRandom, (before, random) => {
        const { wait } = afterCrash(policy, before, null, random);
        const most = afterCrash(policy, before, null, 0).wait;
        expect(wait).toBeLessThanOrEqual(most);
        expect(wait).toBeGreaterThanOrEqual(Math.floor(most * 0.8));
        expect(afterCrash(policy, before + 1, null, random).wait).toBeGreaterThanOrEqual(wait);
        expect(most).toBeLessThanOrEqual(policy.waits.at(-1) ?? 0);
      }),
    );
  });

  it('forgets the crashes before a stable run, and only those', () => {
    fc.assert(
      fc.property(anyCrashes, fc.nat(2 * policy.stableAfter), anyRandom, (before, upFor, random) => {
        const { crashes } = afterCrash(policy, before, upFor, random);
        expect(crashes).toBe(upFor >= policy.stableAfter ? 1 : before + 1);
      }),
    );
  });
});

describe('restart policies', () => {
  const waits = (name: 'short' | 'heroku', unit: number): number[] =>
    Array.from({ length: 8 }, (_, before) => afterCrash(RESTART_POLICIES[name], before, null, 0).wait / unit);

  it("heroku has the platform's minutes", () => {
    expect(waits('heroku', 60_000)).toEqual([0, 20, 40, 60, 180, 320, 320, 320]);
  });

  it('short has seconds', () => {
    expect(waits('short', 1_000)).toEqual([0, 1, 2, 5, 10, 20, 30, 30]);
  });
});
