import type { Clock } from '../util/clock.ts';
import { Counters } from './counters.ts';
import type { Route, RoutingTable } from './routing-table.ts';

/** One app as the router holds it. `route` is replaced as a whole at each change; null once the app is gone. */
export class AppEntry {
  route: Route | null;
  readonly appId: string;
  readonly counters = new Counters();
  readonly #waiting = new Set<() => void>();

  constructor(route: Route) {
    this.route = route;
    this.appId = route.appId;
  }

  /** Calls once at the next change of the route; the answer takes the wish back. */
  onChange(run: () => void): () => void {
    this.#waiting.add(run);
    return () => {
      this.#waiting.delete(run);
    };
  }

  /** Publishes a new route to everybody who waits. */
  change(route: Route | null): void {
    this.route = route;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const run of waiting) run();
  }

  /** Whether new requests may go to the dyno. */
  has(dynoId: string): boolean {
    return this.route?.backends.some((each) => each.dynoId === dynoId) ?? false;
  }
}

/** Requests in flight of each dyno, and those who wait for none. */
class InFlight {
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();

  begin(dynoId: string): void {
    this.#counts.set(dynoId, (this.#counts.get(dynoId) ?? 0) + 1);
  }

  end(dynoId: string): void {
    const left = (this.#counts.get(dynoId) ?? 1) - 1;
    if (left > 0) {
      this.#counts.set(dynoId, left);
      return;
    }
    this.#counts.delete(dynoId);
    const waiting = this.#waiting.get(dynoId) ?? [];
    this.#waiting.delete(dynoId);
    for (const run of waiting) run();
  }

  none(dynoId: string, timeoutMs: number, clock: Clock): Promise<void> {
    if (!this.#counts.has(dynoId)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(dynoId) ?? new Set();
      const done = (): void => {
        cancel();
        waiting.delete(done);
        resolve();
      };
      const cancel = clock.after(timeoutMs, done);
      this.#waiting.set(dynoId, waiting.add(done));
    });
  }
}

/** All apps and dynos that the router knows: routes, requests in flight, quarantine. */
export class AppTable implements RoutingTable {
  readonly inFlight = new InFlight();
  readonly #clock: Clock;
  readonly #onGone: (dynoId: string) => void;
  readonly #byId = new Map<string, AppEntry>();
  readonly #byName = new Map<string, AppEntry>();
  readonly #quarantine = new Map<string, number>();

  /** @param onGone hears of dynos that left their route */
  constructor(clock: Clock, onGone: (dynoId: string) => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  setRoute(route: Route): void {
    const entry = this.#byId.get(route.appId) ?? new AppEntry(route);
    const before = entry.route;
    this.#byId.set(route.appId, entry);
    if (before !== null && before.appName !== route.appName) this.#forgetName(before.appName, entry);
    this.#byName.set(route.appName, entry);
    entry.change(route);
    this.#dropGone(before, entry);
  }

  removeRoute(appId: string): void {
    const entry = this.#byId.get(appId);
    if (entry === undefined) return;
    const before = entry.route;
    this.#byId.delete(appId);
    if (before !== null) this.#forgetName(before.appName, entry);
    entry.change(null);
    this.#dropGone(before, entry);
  }

  drained(dynoId: string, timeoutMs: number): Promise<void> {
    return this.inFlight.none(dynoId, timeoutMs, this.#clock);
  }

  findByName(name: string): AppEntry | undefined {
    return this.#byName.get(name);
  }

  findById(appId: string): AppEntry | undefined {
    return this.#byId.get(appId);
  }

  /** Leaves a dyno alone for a while. */
  quarantine(dynoId: string, ms: number): void {
    this.#quarantine.set(dynoId, this.#clock.now() + ms);
  }

  isQuarantined(dynoId: string): boolean {
    const until = this.#quarantine.get(dynoId);
    if (until === undefined) return false;
    if (this.#clock.now() < until) return true;
    this.#quarantine.delete(dynoId);
    return false;
  }

  #forgetName(name: string, entry: AppEntry): void {
    if (this.#byName.get(name) === entry) this.#byName.delete(name);
  }

  #dropGone(before: Route | null, entry: AppEntry): void {
    for (const backend of before?.backends ?? []) {
      if (entry.has(backend.dynoId)) continue;
      this.#quarantine.delete(backend.dynoId);
      this.#onGone(backend.dynoId);
    }
  }
}
