/** Steps of the scale for each doubling: a figure is off by 2.2 % at most. */
const STEPS = 16;
/** Shortest and longest time that is told apart, in milliseconds. */
const LEAST_MS = 0.1;
const MOST_MS = 20 * 60_000;
const BUCKETS = Math.ceil(Math.log2(MOST_MS / LEAST_MS) * STEPS) + 1;
/** Time that one half of the window covers, in milliseconds. */
const HALF_MS = 5 * 60_000;

/** Times within which half, 95 and 99 of a hundred requests were answered, in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * How long the requests of the last five to ten minutes took, on a logarithmic scale of fixed size: an addition for each request,
 * 3 kB for each app that had one. Times are by a clock that only grows.
 */
export class LatencyWindow {
  #now: Uint32Array | null = null;
  #before: Uint32Array | null = null;
  #since = 0;

  /** @param ms how long a request took */
  note(ms: number, now: number): void {
    if (now - this.#since >= HALF_MS) this.#turn(now);
    const counts = (this.#now ??= new Uint32Array(BUCKETS));
    const step = ms <= LEAST_MS ? 0 : Math.min(BUCKETS - 1, (Math.log2(ms / LEAST_MS) * STEPS) | 0);
    counts[step] = (counts[step] ?? 0) + 1;
  }

  /** Null when no request is in the window. */
  read(now: number): Percentiles | null {
    if (now - this.#since >= HALF_MS) this.#turn(now);
    let total = 0;
    for (let step = 0; step < BUCKETS; step++) total += this.#count(step);
    if (total === 0) return null;
    return { p50: this.#time(total * 0.5), p95: this.#time(total * 0.95), p99: this.#time(total * 0.99) };
  }

  #count(step: number): number {
    return (this.#now?.[step] ?? 0) + (this.#before?.[step] ?? 0);
  }

  /** The middle of the step in which so many requests are reached. */
  #time(wanted: number): number {
    let reached = 0;
    let step = 0;
    for (; step < BUCKETS - 1; step++) {
      reached += this.#count(step);
      if (reached >= wanted) break;
    }
    return LEAST_MS * 2 ** ((step + 0.5) / STEPS);
  }

  /** The newer half becomes the older one; both are over after a long pause. */
  #turn(now: number): void {
    const free = this.#before;
    this.#before = now - this.#since >= 2 * HALF_MS ? null : this.#now;
    this.#now = this.#before === null ? null : (free?.fill(0) ?? null);
    this.#since = now;
  }
}
