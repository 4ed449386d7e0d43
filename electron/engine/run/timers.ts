/** Times of a one-off dyno in milliseconds (reference: heroku-platform 3.2, 5.4). */
export interface RunTimers {
  /** Longest life. */
  readonly life: number;
  /** From one SIGHUP to the next, and from the last one to R16 and SIGKILL, after its client left. */
  readonly hangUp: number;
  /** How often it gets SIGHUP. */
  readonly hangUps: number;
  /** From SIGTERM to SIGKILL. */
  readonly exit: number;
  /** A terminal that shows nothing and gets nothing for so long is taken as left by its client. */
  readonly idle: number;
}

/** Times of the platform. */
export const RUN_TIMERS: RunTimers = {
  life: 24 * 3_600_000,
  hangUp: 5_000,
  hangUps: 3,
  exit: 30_000,
  idle: 3_600_000,
};
