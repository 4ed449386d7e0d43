import type { Clock } from '../util/clock.ts';

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

/** Does `again` so many times, `every` milliseconds, and then `last`. @returns what calls the rest off */
export function repeat(
  clock: Clock,
  every: number,
  times: number,
  again: () => void,
  last: () => void,
): () => void {
  let cancel = (): void => undefined;
  const wait = (left: number): void => {
    cancel = clock.after(every, () => {
      if (left === 0) {
        last();
        return;
      }
      again();
      wait(left - 1);
    });
  };
  wait(times);
  return () => {
    cancel();
  };
}

/**
 * Calls once when nothing has happened for so many milliseconds.
 * @param active when something happened last, by the steady clock
 * @returns what ends the watch
 */
export function whenIdle(clock: Clock, idle: number, active: () => number, run: () => void): () => void {
  let cancel = (): void => undefined;
  const look = (): void => {
    const left = active() + idle - clock.steady();
    if (left <= 0) run();
    else cancel = clock.after(left, look);
  };
  look();
  return () => {
    cancel();
  };
}
