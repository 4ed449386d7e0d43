import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../util/clock.ts';
import { AppTable } from './app-table.ts';
import { Counters, type RequestCounts } from './counters.ts';
import { appNameOf } from './decision.ts';
import { DynoPools } from './dyno-pool.ts';
import { type ErrorPage, noSuchApp, renderErrorPage } from './error-pages.ts';
import { Exchange, type ExchangeContext, type ExchangeStart, type RouterLogLine } from './exchange.ts';
import { ROUTER_LIMITS, type RouterLimits } from './limits.ts';
import { Listener } from './listener.ts';
import { type Reply, ServerReply, SocketReply } from './reply.ts';
import { checkHead } from './request-check.ts';
import type { Route, RoutingTable } from './routing-table.ts';
import { sendPage } from './send-page.ts';

export interface RouterOptions {
  readonly clock: Clock;
  /** Takes the line of a request (source `heroku[router]`), once for each request of a known app. */
  readonly log: (appId: string, line: RouterLogLine) => void;
  /** A request waits for an app that is `asleep`; told again for each. Nothing unless given. */
  readonly wake?: (appId: string) => void;
  /** Makes the HTML of an error page; the router's own pages unless given. */
  readonly errorPages?: (page: ErrorPage) => string;
  /** Differs from the platform's limits, for tests. */
  readonly limits?: Partial<RouterLimits>;
}

/** Serves `http://NAME.localhost:PORT` from the web dynos of the app NAME. */
export interface Router extends RoutingTable {
  /**
   * Opens the port (0: any free one) on loopback addresses; a missing IPv6 is no error.
   * @throws ListenError with the system's code when the port cannot be had
   */
  listen(port: number, hosts: readonly string[]): Promise<{ readonly port: number }>;
  /** Stops accepting, ends idle connections, waits a bounded time for requests in flight, then breaks them (H24). */
  close(): Promise<void>;
  /** Zeros for an app that the router does not know. */
  requestCounts(appId: string): RequestCounts;
}

/** Makes a router that knows no app and does not listen yet. */
export function createRouter(options: RouterOptions): Router {
  return new HttpRouter(options);
}

class HttpRouter implements Router {
  readonly #context: ExchangeContext;
  readonly #listener: Listener;
  /** The latest exchange of each client connection, for errors that only the connection tells. */
  readonly #exchanges = new WeakMap<Duplex, Exchange>();
  #closing = false;

  constructor(options: RouterOptions) {
    const limits = { ...ROUTER_LIMITS, ...options.limits };
    const { clock, log } = options;
    const pools = new DynoPools(clock, limits);
    const table = new AppTable(clock, (dynoId) => {
      pools.close(dynoId);
    });
    this.#context = {
      clock,
      limits,
      table,
      pools,
      log,
      wake: options.wake ?? (() => undefined),
      renderPage: options.errorPages ?? renderErrorPage,
      active: new Set(),
    };
    this.#listener = new Listener(
      {
        request: (request, response, expect) => {
          this.#onRequest(request, response, expect);
        },
        upgrade: (request, socket, head) => {
          this.#serve(request, new SocketReply(request, socket), { socket, head });
        },
        broken: (socket, code) => this.#onBroken(socket, code),
      },
      limits,
    );
  }

  setRoute(route: Route): void {
    this.#context.table.setRoute(route);
  }

  removeRoute(appId: string): void {
    this.#context.table.removeRoute(appId);
  }

  drained(dynoId: string, timeoutMs: number): Promise<void> {
    return this.#context.table.drained(dynoId, timeoutMs);
  }

  requestCounts(appId: string): RequestCounts {
    return (this.#context.table.findById(appId)?.counters ?? new Counters()).read();
  }

  async listen(port: number, hosts: readonly string[]): Promise<{ readonly port: number }> {
    return { port: await this.#listener.listen(port, hosts) };
  }

  async close(): Promise<void> {
    this.#closing = true;
    const { active, clock, limits, pools } = this.#context;
    const cut = (): void => {
      for (const exchange of [...active]) exchange.fail('H24');
      this.#listener.cut();
    };
    // Upgraded connections do not end by themselves.
    for (const exchange of [...active]) if (exchange.upgraded) exchange.fail('H24');
    const cancel = clock.after(limits.closeMs, cut);
    await this.#listener.close();
    cancel();
    cut();
    pools.closeAll();
  }

  #onRequest(
    request: IncomingMessage,
    response: ServerResponse,
    expect: 'nothing' | 'continue' | 'unknown',
  ): void {
    if (this.#closing) response.shouldKeepAlive = false;
    const reply = new ServerReply(request, response, this.#context.limits, expect === 'continue');
    const exchange = this.#serve(request, reply, null, expect === 'unknown');
    if (exchange !== null) this.#exchanges.set(request.socket, exchange);
  }

  #serve(
    request: IncomingMessage,
    reply: Reply,
    upgrade: ExchangeStart['upgrade'],
    badExpect = false,
  ): Exchange | null {
    const context = this.#context;
    const head = checkHead(request);
    const host = head.host ?? '';
    const name = appNameOf(host);
    const app = name === null ? undefined : context.table.findByName(name);
    if (app === undefined) {
      const page = head.ok ? noSuchApp(host) : { status: 400, code: 'H26', appName: '' };
      reply.body.on('error', () => undefined);
      sendPage(context, { request, reply }, page, !head.ok);
      return null;
    }
    const plain = head.ok ? head : { path: request.url ?? '', body: 'none' as const };
    const { path, body } = plain;
    const exchange = new Exchange(context, { app, request, reply, host, path, body, upgrade });
    if (!head.ok) exchange.fail('H26_header');
    else if (badExpect) exchange.fail('H26_expect');
    else void exchange.run();
    return exchange;
  }

  #onBroken(socket: Duplex, code: string): boolean {
    const exchange = this.#exchanges.get(socket);
    if (exchange === undefined || exchange.isOver) return false;
    exchange.fail(code.startsWith('HPE_') && !exchange.start.request.complete ? 'H26_chunk' : 'H27');
    return true;
  }
}
