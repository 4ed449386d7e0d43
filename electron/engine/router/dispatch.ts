import type { Clock } from '../util/clock.ts';
import type { AppEntry, AppTable } from './app-table.ts';
import { decide } from './decision.ts';
import { ConnectError, type DynoConnection, type DynoPools } from './dyno-pool.ts';
import type { FailureKey } from './failures.ts';
import type { RouterLimits } from './limits.ts';
import type { Backend } from './routing-table.ts';

/** What every part of the router needs. */
export interface RouterCore {
  readonly clock: Clock;
  readonly limits: RouterLimits;
  readonly table: AppTable;
  readonly pools: DynoPools;
  /** A request waits for an app that sleeps. */
  wake(appId: string): void;
}

/** A dyno and a connection to it, for one request. The dyno counts it as in flight until it is ended with `table.inFlight.end`. */
export interface Lease {
  readonly backend: Backend;
  readonly connection: DynoConnection;
  /** The connection has served a request before, so that the dyno may be closing it. */
  readonly reused: boolean;
  readonly connectMs: number;
}

/** No dyno could be had. Without `failure`: the app is gone. */
export interface NoDyno {
  readonly failure: FailureKey | 'no-such-app';
  readonly backend: Backend | null;
  readonly connectMs: number | null;
}

/** What `dispatch` asks about a request. */
export interface DispatchWish {
  /** When the request came, milliseconds since the epoch. */
  readonly startedAt: number;
  /** Oldest connection to take; -1 asks for a new one. */
  readonly maxIdleMs: number;
  /** True once nobody waits for the answer any more. */
  readonly isOver: () => boolean;
  /** Calls once when it is over; the answer takes the wish back. */
  readonly onOver: (run: () => void) => () => void;
}

/** Finds a dyno for a request and connects to it: holds while none is up, tries others when one cannot be reached (reference: heroku-platform 4.1). */
export async function dispatch(
  core: RouterCore,
  app: AppEntry,
  wish: DispatchWish,
): Promise<Lease | NoDyno | null> {
  const tried = new Set<string>();
  let last: { backend: Backend; error: ConnectError } | null = null;
  const choice = {
    tried,
    isQuarantined: (dynoId: string) => core.table.isQuarantined(dynoId),
    random: () => core.clock.random(),
  };
  for (let waits = 0; !wish.isOver(); ) {
    if (app.route === null) return { failure: 'no-such-app', backend: null, connectMs: null };
    const decision = decide(app.route, choice);
    if (decision.kind === 'fail') return { failure: decision.failure, backend: null, connectMs: null };
    if (decision.kind === 'exhausted' || tried.size >= core.limits.connectAttempts) return unreachable(last);
    if (decision.kind === 'send') {
      const found = await reach(core, app, decision.backend, wish);
      if (found instanceof ConnectError) {
        last = { backend: decision.backend, error: found };
        tried.add(decision.backend.dynoId);
      } else if (found !== null) return found;
      continue;
    }
    if (decision.kind === 'wake') core.wake(app.appId);
    const left = wish.startedAt + core.limits.holdMs - core.clock.now();
    if (left <= 0)
      return { failure: decision.kind === 'later' ? 'H34' : 'H20', backend: null, connectMs: null };
    await pause(
      core.clock,
      app,
      wish,
      decision.kind === 'later' ? Math.min(left, 50 * 2 ** Math.min(waits++, 5)) : left,
    );
  }
  return null;
}

/** A connection to the dyno; null when the dyno left the route meanwhile. */
async function reach(
  core: RouterCore,
  app: AppEntry,
  backend: Backend,
  wish: DispatchWish,
): Promise<Lease | ConnectError | null> {
  const pool = core.pools.of(backend);
  const idle = pool.take(wish.maxIdleMs);
  if (idle !== null) {
    core.table.inFlight.begin(backend.dynoId);
    return { backend, connection: idle, reused: true, connectMs: 0 };
  }
  const startedAt = core.clock.now();
  try {
    const connection = await pool.open();
    if (!app.has(backend.dynoId) || wish.isOver()) {
      connection.socket.destroy();
      return null;
    }
    core.table.inFlight.begin(backend.dynoId);
    return { backend, connection, reused: false, connectMs: core.clock.now() - startedAt };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    if (!app.has(backend.dynoId)) return null;
    core.table.quarantine(backend.dynoId, core.limits.quarantineMs);
    return error;
  }
}

function unreachable(last: { backend: Backend; error: ConnectError } | null): NoDyno {
  if (last === null) return { failure: 'H99', backend: null, connectMs: null };
  const failure = last.error.kind === 'timeout' ? 'H19' : 'H21';
  return { failure, backend: last.backend, connectMs: last.error.connectMs };
}

/** Resolves at the next change of the route, when the request is over, or after `ms`. */
function pause(clock: Clock, app: AppEntry, wish: DispatchWish, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      forget();
      release();
      resolve();
    };
    const cancel = clock.after(ms, done);
    const forget = app.onChange(done);
    const release = wish.onOver(done);
  });
}
