/** How a crashed dyno is started again (reference: heroku-platform 3.3). */
export interface RestartPolicy {
  /** Waits before the next start, in milliseconds, by how often the dyno crashed in a row; the last one repeats. */
  readonly waits: readonly number[];
  /** Share of a wait that chance takes off, so that many dynos do not start as one. */
  readonly jitter: number;
  /** A dyno that was up for this long, in milliseconds, has started correctly: its crashes before are forgotten. */
  readonly stableAfter: number;
}

const MINUTE = 60_000;

/** At a desk nobody waits for hours, so the platform's steps are seconds. */
const SHORT: RestartPolicy = {
  waits: [0, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000],
  jitter: 0.2,
  stableAfter: MINUTE,
};

/** The platform's own numbers: at once, then up to 20, 40, 60, 180 and 320 minutes. */
const HEROKU: RestartPolicy = {
  waits: [0, 20, 40, 60, 180, 320].map((minutes) => minutes * MINUTE),
  jitter: 0.2,
  stableAfter: 10 * MINUTE,
};

/** Policies by the name that SLIPWAY_RESTART gives them. */
export const RESTART_POLICIES = { short: SHORT, heroku: HEROKU } as const;

/** What a crash leads to. */
export interface AfterCrash {
  /** Crashes in a row, this one included. */
  readonly crashes: number;
  /** Until the next start, in milliseconds. */
  readonly wait: number;
}

/**
 * @param before crashes in a row before this one
 * @param upFor how long the dyno was up, in milliseconds, or null when it never was
 * @param random number in [0, 1)
 */
export function afterCrash(
  policy: RestartPolicy,
  before: number,
  upFor: number | null,
  random: number,
): AfterCrash {
  const crashes = (upFor !== null && upFor >= policy.stableAfter ? 0 : before) + 1;
  const most = policy.waits[Math.min(crashes, policy.waits.length) - 1] ?? 0;
  return { crashes, wait: Math.round(most * (1 - random * policy.jitter)) };
}
