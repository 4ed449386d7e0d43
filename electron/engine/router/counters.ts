/** Requests of one app since the router knows it. */
export interface RequestCounts {
  /** Requests that ended. */
  readonly total: number;
  /** Requests that ended, by the first digit of the status in the log line; those without status are in none. */
  readonly byClass: { readonly [Class in StatusClass]: number };
  /** Requests that have not ended, held ones and upgraded connections included. */
  readonly inFlight: number;
}

export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx';

/** Counts the requests of one app: a few additions for each request. */
export class Counters {
  inFlight = 0;
  #total = 0;
  readonly #classes = [0, 0, 0, 0, 0, 0];

  begin(): void {
    this.inFlight++;
  }

  end(status: number | null): void {
    this.inFlight--;
    this.#total++;
    const index = Math.floor((status ?? 0) / 100);
    this.#classes[index] = (this.#classes[index] ?? 0) + 1;
  }

  read(): RequestCounts {
    const of = (index: number): number => this.#classes[index] ?? 0;
    return {
      total: this.#total,
      byClass: { '1xx': of(1), '2xx': of(2), '3xx': of(3), '4xx': of(4), '5xx': of(5) },
      inFlight: this.inFlight,
    };
  }
}

/** Counts of an app that nobody has asked. */
export const NO_COUNTS: RequestCounts = new Counters().read();

/** Counts of two routers of one app together. */
export function addCounts(a: RequestCounts, b: RequestCounts): RequestCounts {
  const of = (which: StatusClass): number => a.byClass[which] + b.byClass[which];
  return {
    total: a.total + b.total,
    byClass: { '1xx': of('1xx'), '2xx': of('2xx'), '3xx': of('3xx'), '4xx': of('4xx'), '5xx': of('5xx') },
    inFlight: a.inFlight + b.inFlight,
  };
}
