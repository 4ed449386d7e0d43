import type { Clock } from '../util/clock.ts';
import type { DynoConnection } from './dyno-connection.ts';
import type { RouterLimits } from './limits.ts';
import type { Backend } from './routing-table.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** What the entries of dynos share. */
export interface DynoParts {
  readonly clock: Clock;
  readonly limits: RouterLimits;
  readonly wheel: TimerWheel;
}

/** One dyno as the router holds it: its idle connections (the newest is used first), requests in flight, quarantine. */
export class DynoEntry {
  backend: Backend;
  /** Requests go to it. */
  inRoute = true;
  readonly parts: DynoParts;
  #inFlight = 0;
  #quarantinedUntil = 0;
  readonly #idle: DynoConnection[] = [];
  readonly #waiting = new Set<() => void>();
  #onEmpty: (() => void) | null = null;

  constructor(backend: Backend, parts: DynoParts) {
    this.backend = backend;
    this.parts = parts;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  begin(): void {
    this.#inFlight++;
  }

  end(): void {
    if (--this.#inFlight > 0) return;
    if (this.#waiting.size > 0) {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const run of waiting) run();
    }
    this.#onEmpty?.();
  }

  /** Calls once when nothing is in flight and the dyno has left its route. */
  whenGone(run: () => void): void {
    if (this.#inFlight === 0) run();
    else this.#onEmpty = run;
  }

  /** Resolves when no request is in flight, at the latest after `timeoutMs`. */
  none(timeoutMs: number): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.parts.clock.after(timeoutMs, done);
      this.#waiting.add(done);
    });
  }

  /** Leaves the dyno alone for a while. */
  quarantine(): void {
    this.#quarantinedUntil = this.parts.clock.steady() + this.parts.limits.quarantineMs;
  }

  get isQuarantined(): boolean {
    if (this.#quarantinedUntil === 0) return false;
    if (this.parts.clock.steady() < this.#quarantinedUntil) return true;
    this.#quarantinedUntil = 0;
    return false;
  }

  /** An idle connection that was in use not longer than `maxIdleMs` ago, or null. */
  take(maxIdleMs: number, now: number): DynoConnection | null {
    const connection = this.#idle.at(-1);
    if (connection === undefined || now - connection.idleSince > maxIdleMs) return null;
    this.#idle.pop();
    return connection;
  }

  /** Takes a connection back that can serve another request, for at most `idleMs`. */
  putBack(connection: DynoConnection, idleMs: number, now: number): void {
    if (!this.inRoute || idleMs <= 0) {
      connection.destroy();
      return;
    }
    connection.idleSince = now;
    this.#idle.push(connection);
    this.parts.wheel.set(connection.timer, idleMs, now);
  }

  /** A connection in the pool is gone. */
  forget(connection: DynoConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes idle connections; others follow as soon as they become idle, once the dyno is not in the route. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}
