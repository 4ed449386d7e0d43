import { LatencyWindow, type Percentiles } from './latency-window.ts';

/** Requests of one app since the router knows it. */
export interface RequestCounts {
  /** Requests that ended. */
  readonly total: number;
  /** Requests that ended, by the first digit of the status in the log line; those without status are in none. */
  readonly byClass: { readonly [Class in StatusClass]: number };
  /** Requests that have not ended, held ones and upgraded connections included. */
  readonly inFlight: number;
  /** Bytes of bodies that clients sent and that dynos answered, and of upgraded connections, of requests that ended. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** How long dynos took of late; null when none was asked. */
  readonly service: Percentiles | null;
}

export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx';

/** A request that ended, as far as it is counted. */
export interface CountedRequest {
  readonly status: number | null;
  /** Null when no dyno had it. Milliseconds. */
  readonly serviceMs: number | null;
  readonly bytesIn: number;
  readonly bytes: number;
}

/** Counts the requests of one app: a few additions for each request. */
export class Counters {
  inFlight = 0;
  #total = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  readonly #classes = [0, 0, 0, 0, 0, 0];
  readonly #service = new LatencyWindow();

  begin(): void {
    this.inFlight++;
  }

  /** @param now by the clock that only grows */
  end({ status, serviceMs, bytesIn, bytes }: CountedRequest, now: number): void {
    this.inFlight--;
    this.#total++;
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytes;
    const index = Math.floor((status ?? 0) / 100);
    this.#classes[index] = (this.#classes[index] ?? 0) + 1;
    // An upgraded connection takes as long as it is wanted.
    if (serviceMs !== null && status !== 101) this.#service.note(serviceMs, now);
  }

  /** @param now by the clock that only grows */
  read(now: number): RequestCounts {
    const of = (index: number): number => this.#classes[index] ?? 0;
    return {
      total: this.#total,
      byClass: { '1xx': of(1), '2xx': of(2), '3xx': of(3), '4xx': of(4), '5xx': of(5) },
      inFlight: this.inFlight,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      service: this.#service.read(now),
    };
  }
}

/** Counts of an app that nobody has asked. */
export const NO_COUNTS: RequestCounts = new Counters().read(0);

/** Counts of two routers of one app together. */
export function addCounts(a: RequestCounts, b: RequestCounts): RequestCounts {
  const of = (which: StatusClass): number => a.byClass[which] + b.byClass[which];
  return {
    total: a.total + b.total,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    // Of two the one that served more speaks for both: their requests came by chance.
    service: b.service === null || (a.service !== null && a.total >= b.total) ? a.service : b.service,
    byClass: { '1xx': of('1xx'), '2xx': of('2xx'), '3xx': of('3xx'), '4xx': of('4xx'), '5xx': of('5xx') },
    inFlight: a.inFlight + b.inFlight,
  };
}
