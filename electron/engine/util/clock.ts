import { performance } from 'node:perf_hooks';

/** Time and chance, so that tests can hold both. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow, whatever is done to the machine's clock; where they begin says nothing. For everything that waits. */
  steady(): number;
  /** Calls once after `ms`; the answer cancels. The timer does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
  /** Numbers in [0, 1). */
  random(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
};
