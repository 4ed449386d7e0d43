import { Counters } from './counters.ts';
import { AffinityPins } from './affinity.ts';
import { bareHost, hostName } from './decision.ts';
import { DomainIndex } from './domain-index.ts';
import { DynoEntry, type DynoParts } from './dyno-entry.ts';
import type { Backend, Route, RoutingTable } from './routing-table.ts';

/** Most spellings of hosts that are remembered. */
const HOSTS_MAX = 1000;

/** One app as the router holds it. `route` is replaced as a whole at each change; null once the app is gone. */
export class AppEntry {
  route: Route | null;
  /** The dynos of the route, in its order. */
  dynos: readonly DynoEntry[] = [];
  /** How clients keep their dyno; null when they need not. */
  pins: AffinityPins | null = null;
  /** Connections of clients whose last request was for this app. */
  connections = 0;
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
  change(route: Route | null, dynos: readonly DynoEntry[]): void {
    this.route = route;
    this.dynos = dynos;
    this.pins = route?.rules?.affinity === true ? new AffinityPins(dynos) : null;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const run of waiting) run();
  }
}

/** All apps and dynos that the router knows. */
export class AppTable implements RoutingTable {
  readonly #parts: DynoParts;
  readonly #byId = new Map<string, AppEntry>();
  readonly #byName = new Map<string, AppEntry>();
  readonly #domains = new DomainIndex<AppEntry>();
  /** Host headers as sent, and what they led to since the last change. */
  readonly #byHost = new Map<string, AppEntry>();
  /** Also those that have left their route while requests are in flight. */
  readonly #dynos = new Map<string, DynoEntry>();

  constructor(parts: DynoParts) {
    this.#parts = parts;
  }

  setRoute(route: Route): void {
    const entry = this.#byId.get(route.appId) ?? new AppEntry(route);
    const before = entry.route;
    this.#byId.set(route.appId, entry);
    if (before !== null && before.appName !== route.appName) this.#forgetName(before.appName, entry);
    this.#byName.set(route.appName, entry);
    this.#domains.set(entry, route.rules?.domains ?? []);
    this.#byHost.clear();
    const old = entry.dynos;
    const dynos = route.backends.map((backend) => this.#dynoOf(backend));
    this.#dropGone(old, dynos);
    entry.change(route, dynos);
  }

  removeRoute(appId: string): void {
    const entry = this.#byId.get(appId);
    if (entry === undefined) return;
    this.#byId.delete(appId);
    this.#byHost.clear();
    if (entry.route !== null) this.#forgetName(entry.route.appName, entry);
    this.#domains.set(entry, []);
    this.#dropGone(entry.dynos, []);
    entry.change(null, []);
  }

  drained(dynoId: string, timeoutMs: number): Promise<void> {
    return this.#dynos.get(dynoId)?.none(timeoutMs) ?? Promise.resolve();
  }

  /** The app that a Host header asks for. */
  findByHost(host: string): AppEntry | undefined {
    const known = this.#byHost.get(host);
    if (known !== undefined) return known;
    const name = hostName(host);
    const found = (name === null ? undefined : this.#byName.get(name)) ?? this.#domains.find(bareHost(host));
    if (found !== undefined) {
      if (this.#byHost.size >= HOSTS_MAX) this.#byHost.clear();
      this.#byHost.set(host, found);
    }
    return found;
  }

  findById(appId: string): AppEntry | undefined {
    return this.#byId.get(appId);
  }

  /** Closes idle connections to all dynos. */
  closeIdle(): void {
    for (const dyno of this.#dynos.values()) dyno.closeIdle();
  }

  #dynoOf(backend: Backend): DynoEntry {
    const known = this.#dynos.get(backend.dynoId);
    if (known !== undefined) {
      const { host, port } = known.backend.address;
      if (host !== backend.address.host || port !== backend.address.port) known.closeIdle();
      known.backend = backend;
      known.inRoute = true;
      return known;
    }
    const entry = new DynoEntry(backend, this.#parts);
    this.#dynos.set(backend.dynoId, entry);
    return entry;
  }

  #forgetName(name: string, entry: AppEntry): void {
    if (this.#byName.get(name) === entry) this.#byName.delete(name);
  }

  #dropGone(before: readonly DynoEntry[], now: readonly DynoEntry[]): void {
    for (const dyno of before) {
      if (now.includes(dyno)) continue;
      dyno.inRoute = false;
      dyno.closeIdle();
      dyno.whenGone(() => {
        if (!dyno.inRoute && this.#dynos.get(dyno.backend.dynoId) === dyno)
          this.#dynos.delete(dyno.backend.dynoId);
      });
    }
  }
}
