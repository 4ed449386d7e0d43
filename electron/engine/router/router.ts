import type { Clock } from '../util/clock.ts';
import { AppTable } from './app-table.ts';
import { ClientConnection } from './client.ts';
import { Counters, type RequestCounts } from './counters.ts';
import { type ErrorPage, renderErrorPage } from './error-pages.ts';
import type { Origin } from './origin.ts';
import type { ClientStream } from './plain-side.ts';
import { ROUTER_LIMITS, type RouterLimits } from './limits.ts';
import { Listener } from './listener.ts';
import { LogBatch, type RouterLogLine } from './log-batch.ts';
import type { Plane } from './plane.ts';
import type { Route, RoutingTable } from './routing-table.ts';
import { TimerWheel } from './timer-wheel.ts';
import { type KeyPair, TlsGate } from './tls-gate.ts';
import { Wire } from './wire.ts';
import type { Socket } from 'node:net';

export interface RouterOptions {
  readonly clock: Clock;
  /**
   * Takes the lines of requests (source `heroku[router]`), one for each request of a known app; those that ended in one
   * turn come together, in the order of their ends.
   */
  readonly log: (appId: string, lines: readonly RouterLogLine[]) => void;
  /** A request waits for an app that is `asleep`; told again for each. Nothing unless given. */
  readonly wake?: (appId: string) => void;
  /** An app's counts have changed; told for each request that begins or ends. Nothing unless given. */
  readonly countsChanged?: (appId: string) => void;
  /** Makes the HTML of an error page; the router's own pages unless given. */
  readonly errorPages?: (page: ErrorPage) => string;
  /** Differs from the platform's limits, for tests. */
  readonly limits?: Partial<RouterLimits>;
}

/** Serves `http://NAME.localhost:PORT` from the web dynos of the app NAME. */
export interface Router extends RoutingTable {
  /**
   * Opens the port (0: any free one) on loopback addresses; a missing IPv6 is no error.
   * @param shared other threads listen on the same port, and the system spreads connections over them
   * @throws ListenError with the system's code when the port cannot be had
   */
  listen(port: number, hosts: readonly string[], shared?: boolean): Promise<{ readonly port: number }>;
  /**
   * Serves HTTPS as well, with certificates that the authority signs, until `closeTls`; in place of what was served so before.
   * @throws ListenError with the system's code when the port cannot be had
   */
  listenTls(port: number, hosts: readonly string[], authority: KeyPair): Promise<{ readonly port: number }>;
  /** Serves HTTPS no more: breaks its connections. */
  closeTls(): void;
  /** Stops accepting, ends idle connections, waits a bounded time for requests in flight, then breaks them (H24). */
  close(): Promise<void>;
  /** Zeros for an app that the router does not know. */
  requestCounts(appId: string): RequestCounts;
}

/** Makes a router that knows no app and does not listen yet. */
export function createRouter(options: RouterOptions): Router {
  return new HttpRouter(options);
}

/** Steps of the timer wheel, in milliseconds: a fraction of the shortest time that is kept with it. */
const STEP_MAX_MS = 100;
const STEP_MIN_MS = 5;
const CLOSE_POLL_MS = 20;

class HttpRouter implements Router {
  readonly #plane: Plane;
  readonly #listener: Listener;
  readonly #lines: LogBatch;
  readonly #clients = new Set<ClientConnection>();
  #gate: TlsGate | null = null;

  constructor(options: RouterOptions) {
    const limits = { ...ROUTER_LIMITS, ...options.limits };
    const { clock } = options;
    const wheel = new TimerWheel(clock, stepOf(limits));
    const lines = new LogBatch(options.log);
    this.#lines = lines;
    this.#plane = {
      clock,
      limits,
      wheel,
      table: new AppTable({ clock, limits, wheel }),
      closing: false,
      port: 0,
      log: (request) => {
        lines.add(request);
      },
      wake: options.wake ?? (() => undefined),
      countsChanged: options.countsChanged ?? null,
      renderPage: options.errorPages ?? renderErrorPage,
    };
    this.#listener = new Listener((socket) => {
      this.#accept(socket, null);
    });
  }

  #accept(stream: Socket | ClientStream, origin: Origin | null): void {
    const client: ClientConnection = new ClientConnection(
      this.#plane,
      // Of a socket that is none the wire uses what both have.
      (user) => Wire.accept(stream as Socket, user),
      () => {
        this.#clients.delete(client);
      },
      origin,
    );
    this.#clients.add(client);
  }

  setRoute(route: Route): void {
    this.#plane.table.setRoute(route);
  }

  removeRoute(appId: string): void {
    this.#plane.table.removeRoute(appId);
  }

  drained(dynoId: string, timeoutMs: number): Promise<void> {
    return this.#plane.table.drained(dynoId, timeoutMs);
  }

  requestCounts(appId: string): RequestCounts {
    const { clock, table } = this.#plane;
    return (table.findById(appId)?.counters ?? new Counters()).read(clock.steady());
  }

  async listen(port: number, hosts: readonly string[], shared = false): Promise<{ readonly port: number }> {
    const chosen = await this.#listener.listen(port, hosts, shared);
    this.#plane.port = chosen;
    return { port: chosen };
  }

  async listenTls(
    port: number,
    hosts: readonly string[],
    authority: KeyPair,
  ): Promise<{ readonly port: number }> {
    this.closeTls();
    const { clock, limits, table } = this.#plane;
    const gate = new TlsGate({
      ...{ clock, authority, idleMs: limits.clientKeepAliveMs },
      knows: (host) => table.findByHost(host) !== undefined,
      accept: (stream, origin) => {
        this.#accept(stream, origin);
      },
    });
    const chosen = await gate.listen(port, hosts);
    this.#gate = gate;
    return { port: chosen };
  }

  closeTls(): void {
    this.#gate?.destroy();
    this.#gate = null;
  }

  async close(): Promise<void> {
    const plane = this.#plane;
    plane.closing = true;
    this.#listener.close();
    this.#gate?.stop();
    // Upgraded connections do not end by themselves.
    for (const client of [...this.#clients]) client.cut('upgraded');
    const deadline = plane.clock.steady() + plane.limits.closeMs;
    for (;;) {
      for (const client of [...this.#clients]) if (client.isIdle) client.destroy();
      if (this.#clients.size === 0 || plane.clock.steady() >= deadline) break;
      await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
    }
    for (const client of [...this.#clients]) {
      client.cut('any');
      client.destroy();
    }
    this.closeTls();
    plane.table.closeIdle();
    this.#lines.flush();
  }
}

function stepOf(limits: RouterLimits): number {
  const { connectMs, holdMs, firstByteMs, idleMs, clientKeepAliveMs, poolIdleMs, lingerMs } = limits;
  const shortest = Math.min(connectMs, holdMs, firstByteMs, idleMs, clientKeepAliveMs, poolIdleMs, lingerMs);
  return Math.min(STEP_MAX_MS, Math.max(STEP_MIN_MS, shortest / 20));
}
