/**
 * Waits before the next start of a dyno, in milliseconds, by how often it crashed in a row.
 * The platform starts again at once and then waits up to 20, 40, 60, 180 and 320 minutes
 * (reference: heroku-platform 3.3); at a desk nobody waits that long, so the steps are seconds.
 */
const WAITS = [0, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000] as const;

/** A dyno that was up for this long, in milliseconds, has started correctly: its crashes are forgotten. */
export const HEALTHY_AFTER = 60_000;

/**
 * @param crashes crashes in a row, at least 1
 * @param random number in [0, 1); up to a fifth is added so that many dynos do not start as one
 */
export function restartWait(crashes: number, random: number): number {
  const wait = WAITS[Math.min(Math.max(crashes, 1), WAITS.length) - 1] ?? 0;
  return Math.round(wait * (1 + random / 5));
}
