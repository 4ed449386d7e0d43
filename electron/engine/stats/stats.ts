import { freemem, totalmem } from 'node:os';
import type { Dyno } from '#shared/model/app.ts';
import type { AppTraffic, DynoStats, StatsSample } from '#shared/model/stats.ts';
import type { Clock } from '../util/clock.ts';
import type { RequestBuckets } from './request-buckets.ts';

/** Time between two samples, in milliseconds. */
const EVERY = 2_000;
const MIB = 2 ** 20;

/** Where the figures come from. */
export interface StatsOptions {
  readonly clock: Clock;
  readonly requests: RequestBuckets;
  /** Ids of all apps. */
  apps(): readonly string[];
  dynos(appId: string): readonly Pick<Dyno, 'id' | 'size'>[];
  /** What the router counts of an app. */
  traffic(appId: string): Omit<AppTraffic, 'app'>;
  /** See `Runtime.memoryOf`. */
  memoryOf(): Promise<ReadonlyMap<string, number>>;
  /** Memory quota of a dyno size in MiB; undefined for one that does not exist. */
  quotaOf(size: string): number | undefined;
  onProblem(what: string, error: unknown): void;
}

/** What apps and dynos use. Samples are taken while somebody listens, one for all listeners; else nothing is done at all. */
export class Stats {
  private readonly options: StatsOptions;
  private listeners = 0;
  private latest: StatsSample | null = null;
  private next: PromiseWithResolvers<void> = Promise.withResolvers();
  private sampling = false;
  private cancelWait: (() => void) | null = null;
  private failing = false;

  constructor(options: StatsOptions) {
    this.options = options;
  }

  /** A sample now and every two seconds. A listener that is slow misses samples; it never gets an old one. */
  async *open(signal: AbortSignal): AsyncIterable<StatsSample> {
    const aborted = (): void => {
      this.wake();
    };
    signal.addEventListener('abort', aborted);
    this.listeners += 1;
    this.begin();
    try {
      let seen: StatsSample | null = null;
      while (!signal.aborted) {
        const { promise } = this.next;
        if (this.latest !== null && this.latest !== seen) {
          seen = this.latest;
          yield seen;
        } else await promise;
      }
    } finally {
      signal.removeEventListener('abort', aborted);
      this.listeners -= 1;
      this.rest();
    }
  }

  private begin(): void {
    if (this.sampling || this.cancelWait !== null) return;
    this.sampling = true;
    this.sample()
      .then((sample) => {
        this.latest = sample;
        this.wake();
      })
      .catch((error: unknown) => {
        this.options.onProblem('taking statistics', error);
      })
      .finally(() => {
        this.sampling = false;
        this.cancelWait = this.options.clock.after(EVERY, () => {
          this.cancelWait = null;
          this.begin();
        });
        this.rest();
      });
  }

  /** Stops sampling when nobody listens. */
  private rest(): void {
    if (this.listeners > 0) return;
    this.cancelWait?.();
    this.cancelWait = null;
    this.latest = null;
  }

  private wake(): void {
    this.next.resolve();
    this.next = Promise.withResolvers();
  }

  private async sample(): Promise<StatsSample> {
    const { clock, requests } = this.options;
    const memory = await this.memory();
    const ids = this.options.apps();
    const known = new Set(ids);
    const now = clock.now();
    return {
      at: new Date(now).toISOString(),
      apps: requests.read(now).filter((each) => known.has(each.app)),
      traffic: ids.map((app) => ({ app, ...this.options.traffic(app) })),
      dynos: ids.flatMap((app) => this.dynosOf(app, memory)),
      machine: { totalMiB: Math.round(totalmem() / MIB), freeMiB: Math.round(freemem() / MIB) },
    };
  }

  private dynosOf(app: string, memory: ReadonlyMap<string, number>): DynoStats[] {
    return this.options.dynos(app).flatMap(({ id, size }) => {
      const bytes = memory.get(id);
      const quotaMiB = this.options.quotaOf(size);
      if (bytes === undefined || quotaMiB === undefined) return [];
      return [{ dyno: id, app, memoryMiB: Math.round((bytes / MIB) * 10) / 10, quotaMiB }];
    });
  }

  /** Nothing while the runtime is lost, which is told once. */
  private async memory(): Promise<ReadonlyMap<string, number>> {
    try {
      const memory = await this.options.memoryOf();
      this.failing = false;
      return memory;
    } catch (error) {
      if (!this.failing) this.options.onProblem('reading the memory of dynos', error);
      this.failing = true;
      return new Map();
    }
  }
}
