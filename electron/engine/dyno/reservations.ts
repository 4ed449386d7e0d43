import { randomUUID } from 'node:crypto';
import { findSize } from '#shared/model/size.ts';
import type { DynoManagerOptions } from './context.ts';
import type { AppDesire, RunnableRelease } from './desired.ts';
import type { PlaceSpec } from '../runtime/runtime.ts';
import type { Step } from './plan.ts';

/** How long an app keeps places after it was last deployed, scaled or restarted, in milliseconds. */
const KEPT_FOR = 5 * 60_000;
/** Places are made when nothing has happened for so long, in milliseconds. */
const QUIET = 300;
/** Places of one app, and of all apps together. */
const PER_APP = 2;
const IN_ALL = 10;

/** A place that may still be in the making. */
export interface Place {
  readonly dynoId: string;
  /** False when there is none after all. */
  readonly made: Promise<boolean>;
}

interface Kept extends Place {
  readonly size: string;
  /** Keys of the slug's parts that it has. */
  readonly beginning: string;
}

interface Pool {
  places: Kept[];
  /** When the app was last deployed, scaled or restarted, by the steady clock. */
  usedAt: number;
  /** Builds under way. */
  builds: number;
}

interface Wanted {
  readonly release: RunnableRelease;
  readonly size: string;
  readonly appName: string;
}

/** What the pool has to know of the dyno manager. */
export interface Surroundings {
  /** The app as it shall be; undefined for one that is gone. */
  desire(appId: string): AppDesire | undefined;
  /** True while a dyno starts or ends. */
  busy(): boolean;
}

/**
 * Places for dynos that may start soon, kept for apps that somebody works on: the next release, one more dyno or another in place
 * of a crashed one then takes a moment. An app that nobody touches costs nothing. Places are made one by one while nothing else is
 * under way, but for the first one of a build.
 */
export class DynoReservations {
  private readonly options: DynoManagerOptions;
  private readonly around: Surroundings;
  private readonly pools = new Map<string, Pool>();
  private cancelNext: (() => void) | null = null;
  private making = false;
  private readonly abort = new AbortController();

  constructor(options: DynoManagerOptions, around: Surroundings) {
    this.options = options;
    this.around = around;
  }

  /** A build of the app begins: there shall be a place when it is through. */
  buildBegins(appId: string): void {
    const pool = this.pool(appId);
    pool.builds += 1;
    pool.usedAt = this.options.clock.steady();
    if (pool.places.length === 0 && !this.making) void this.make(appId, pool);
  }

  /** The build has ended, however it did. */
  buildEnded(appId: string): void {
    const pool = this.pools.get(appId);
    if (pool === undefined) return;
    pool.builds -= 1;
    this.next(QUIET);
  }

  /** A place for a dyno that is about to start, or null; it is that dyno's from here on. */
  take(step: Extract<Step, { kind: 'start' }>, release: RunnableRelease): Place | null {
    const pool = this.pool(step.appId);
    if (step.replaces === null) pool.usedAt = this.options.clock.steady();
    this.next(QUIET);
    const beginning = beginningOf(release);
    const found = pool.places.find((place) => place.size === step.size && place.beginning === beginning);
    if (found === undefined) return null;
    pool.places = pool.places.filter((place) => place !== found);
    return found;
  }

  /** Gives up all places of an app that sleeps or goes. */
  drop(appId: string): void {
    const pool = this.pools.get(appId);
    if (pool === undefined) return;
    if (pool.builds === 0) this.pools.delete(appId);
    for (const place of pool.places.splice(0)) this.giveUp(place);
  }

  /** Makes no more. */
  close(): void {
    this.abort.abort();
    this.cancelNext?.();
  }

  private pool(appId: string): Pool {
    const found = this.pools.get(appId);
    if (found !== undefined) return found;
    const made: Pool = { places: [], usedAt: this.options.clock.steady(), builds: 0 };
    this.pools.set(appId, made);
    return made;
  }

  private next(ms: number): void {
    this.cancelNext?.();
    this.cancelNext = this.abort.signal.aborted
      ? null
      : this.options.clock.after(ms, () => {
          this.cancelNext = null;
          this.tend();
        });
  }

  /** Gives up what does not fit or was kept long enough, then makes the place that is missing next. */
  private tend(): void {
    const now = this.options.clock.steady();
    for (const [appId, pool] of this.pools) {
      if (pool.builds === 0 && now - pool.usedAt >= KEPT_FOR) this.drop(appId);
      else this.dropMisfits(appId, pool);
    }
    if (this.pools.size === 0) return;
    const building = [...this.pools.values()].some((pool) => pool.builds > 0);
    if (building || this.making || this.around.busy()) {
      this.next(QUIET);
      return;
    }
    const wanting = this.oldestFirst()
      .filter(([appId, pool]) => pool.places.length < PER_APP && this.wanted(appId) !== null)
      .at(-1);
    if (wanting === undefined) {
      const [oldest] = this.oldestFirst();
      this.next(Math.max(QUIET, (oldest?.[1].usedAt ?? now) + KEPT_FOR - now));
      return;
    }
    this.makeRoom(wanting[0]);
    void this.make(...wanting).then((made) => {
      // What hinders this one hinders the others: the next start or build tries again.
      this.next(made ? 0 : KEPT_FOR);
    });
  }

  private oldestFirst(): [string, Pool][] {
    return [...this.pools].toSorted(([, one], [, other]) => one.usedAt - other.usedAt);
  }

  /** The apps that were used longest ago lose theirs when there are too many. */
  private makeRoom(forApp: string): void {
    for (const [appId] of this.oldestFirst()) {
      const inAll = [...this.pools.values()].reduce((sum, pool) => sum + pool.places.length, 0);
      if (inAll < IN_ALL) return;
      if (appId !== forApp) this.drop(appId);
    }
  }

  private dropMisfits(appId: string, pool: Pool): void {
    const app = this.around.desire(appId);
    const wanted = this.wanted(appId);
    if (app !== undefined && isUnsettled(app)) return;
    const fits = (place: Kept): boolean =>
      wanted !== null && place.size === wanted.size && place.beginning === beginningOf(wanted.release);
    const misfits = pool.places.filter((place) => !fits(place));
    pool.places = pool.places.filter(fits);
    for (const place of misfits) this.giveUp(place);
  }

  /** What places of an app are made for: its web dynos, or those that it has. Null when it has nothing to run, or changes at present. */
  private wanted(appId: string): Wanted | null {
    const app = this.around.desire(appId);
    if (app === undefined || app.target === null || app.asleepSince !== null || isUnsettled(app)) return null;
    const running = app.target.wanted.types.filter((each) => each.quantity > 0);
    const type = running.find((each) => each.type === 'web') ?? running[0];
    if (type === undefined || app.target.slug.parts.length < 2) return null;
    return { release: app.target, size: type.size, appName: app.appName };
  }

  /** @returns false when there is none; the reason has been told */
  private async make(appId: string, pool: Pool): Promise<boolean> {
    const wanted = this.wanted(appId);
    const size = findSize(wanted?.size ?? '');
    if (wanted === null || size === undefined) return false;
    const slug = this.options.slugRef(wanted.release.slug);
    const dynoId = randomUUID();
    this.making = true;
    const made = this.reserve({ id: dynoId, appId, appName: wanted.appName, slug, size });
    const place = { dynoId, made, size: wanted.size, beginning: beginningOf(wanted.release) };
    pool.places.push(place);
    const isThere = await made;
    if (!isThere) pool.places = pool.places.filter((each) => each !== place);
    return isThere;
  }

  private async reserve(spec: PlaceSpec): Promise<boolean> {
    const { runtime } = this.options;
    try {
      await runtime.stage(spec.slug, this.abort.signal);
      return await runtime.reserveDyno(spec);
    } catch (error) {
      if (!this.abort.signal.aborted) this.options.onProblem('reserving a dyno', error);
      return false;
    } finally {
      this.making = false;
    }
  }

  private giveUp({ dynoId }: Place): void {
    this.options.runtime.removeDyno(dynoId).catch((error: unknown) => {
      this.options.onProblem('giving a reserved dyno up', error);
    });
  }
}

/** While a release takes the place of another, it is not known yet which one stays. */
function isUnsettled({ target, serving }: AppDesire): boolean {
  return target?.wanted.version !== serving?.wanted.version;
}

/** Names the stack and the parts of a release's slug that the next one has as well, most likely: all but the last. */
function beginningOf({ slug }: RunnableRelease): string {
  return [slug.stack, ...slug.parts.slice(0, -1).map((part) => part.key)].join(' ');
}
