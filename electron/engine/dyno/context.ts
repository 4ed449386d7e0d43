import type { SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { SlugRef } from '../runtime/runtime.ts';
import type { RoutingTable } from '../router/routing-table.ts';
import type { RestartPolicy } from './backoff.ts';
import type { Timers } from './plan.ts';
import type { OutputContext } from './output.ts';

/** What the dyno manager needs of the rest of the engine. */
export interface DynoManagerOptions extends OutputContext {
  readonly store: Store;
  readonly routing: RoutingTable;
  readonly timers: Timers;
  /** How crashed dynos are started again, by the option of today. */
  restarts(): RestartPolicy;
  /** Whether dynos are replaced once a day, by the option of today. */
  cycling(): boolean;
  /** Requests of an app so far and in flight, to see when it was last used. */
  requests(appId: string): { readonly total: number; readonly inFlight: number };
  /** Most dynos that are started at the same time. */
  readonly parallelStarts: number;
  /** The slug as runtimes want it. */
  slugRef(slug: SlugRow): SlugRef;
  /** Writes a platform line (`heroku[ps]`) into the app's log. */
  log(appId: string, ps: string, text: string): void;
  /** What is known of a release is not what it was. */
  onReleaseChange(appId: string, version: number): void;
  /** The dynos of an app are not what they were. */
  onChange(appId: string): void;
  /** Something unexpected, for the engine's own diagnostics. */
  onProblem(what: string, error: unknown): void;
}

/** Timers of the platform (reference: heroku-platform 3.2). */
export const PLATFORM_TIMERS: Timers = { boot: 60_000, exit: 30_000 };
