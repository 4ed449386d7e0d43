import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AppEntry } from './app-table.ts';
import { dispatch, type Lease, type NoDyno, type RouterCore } from './dispatch.ts';
import { type ErrorPage, noSuchApp, pageOf } from './error-pages.ts';
import { FAILURES, type FailureKey } from './failures.ts';
import { forward } from './forward.ts';
import { requestIdOf } from './headers.ts';
import type { IdleWatch } from './idle-watch.ts';
import { routerLine } from './log-line.ts';
import type { Reply } from './reply.ts';
import { RequestBody } from './request-body.ts';
import { sendPage } from './send-page.ts';

/** One log line of an app, without its source. */
export interface RouterLogLine {
  /** Microseconds since the epoch. */
  readonly at: number;
  readonly text: string;
  /** As in the text. */
  readonly status: number | null;
}

/** What exchanges share. */
export interface ExchangeContext extends RouterCore {
  readonly active: Set<Exchange>;
  log(appId: string, line: RouterLogLine): void;
  renderPage(page: ErrorPage): string;
}

/** What is known when a request begins. */
export interface ExchangeStart {
  readonly app: AppEntry;
  readonly request: IncomingMessage;
  readonly reply: Reply;
  readonly host: string;
  readonly path: string;
  readonly body: 'none' | 'length' | 'chunked';
  /** The bare connection of a request that asks for an upgrade, and what it sent behind its head; null for any other request. */
  readonly upgrade: { readonly socket: Duplex; readonly head: Buffer } | null;
}

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** One request of a client from its head to its line in the log; ends exactly once. */
export class Exchange {
  readonly context: ExchangeContext;
  readonly start: ExchangeStart;
  readonly startedAt: number;
  readonly requestId: string;
  readonly method: string;
  readonly fwd: string;
  readonly repeatable: boolean;
  /** Status of the dyno's answer, once there is one. */
  status: number | null = null;
  /** Bytes of body sent to the client. */
  bytes = 0;
  /** Both sides have left HTTP. */
  upgraded = false;
  /** Hears of every sign of life; set while a dyno has the request. */
  watch: IdleWatch | null = null;
  #lease: Lease | null = null;
  #dyno: string | null = null;
  #connectMs: number | null = null;
  #sentAt: number | null = null;
  #over = false;
  readonly #onOver = new Set<() => void>();

  constructor(context: ExchangeContext, start: ExchangeStart) {
    const { request, reply, app } = start;
    this.context = context;
    this.start = start;
    this.startedAt = context.clock.now();
    this.method = request.method ?? 'GET';
    this.requestId = requestIdOf(request.headers['x-request-id']);
    this.fwd = forwardedFor(request);
    this.repeatable = REPEATABLE.has(this.method) && start.upgrade === null;
    app.counters.begin();
    context.active.add(this);
    reply.body.on('error', () => {
      // The close that follows is what counts.
    });
    reply.body.on('close', () => {
      if (this.upgraded) this.finish();
      else this.fail('H27');
    });
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Calls once when the exchange is over; the answer takes the wish back. */
  onOver(run: () => void): () => void {
    this.#onOver.add(run);
    return () => {
      this.#onOver.delete(run);
    };
  }

  /** Brings the request to a dyno and the answer back. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch {
      this.fail('H99');
    }
  }

  /** Ends the exchange with a failure: a page when the client can still get one, else a broken connection. */
  fail(key: FailureKey): void {
    if (this.#over) return;
    const failure = FAILURES[key];
    const { reply, app } = this.start;
    this.#close(failure.status);
    if (reply.started || !failure.page) reply.abort();
    else
      this.bytes = sendPage(
        this.context,
        this.start,
        pageOf(key, app.route?.appName ?? ''),
        key.startsWith('H26'),
      );
    this.#record(key, failure.status);
  }

  /** Ends the exchange after the dyno's answer was handed on as a whole. */
  finish(): void {
    if (this.#over) return;
    this.#close(this.status);
    this.start.reply.release();
    this.#record(null, this.status);
  }

  async #run(): Promise<void> {
    const { context, start } = this;
    const { app } = start;
    const { limits } = context;
    const dynos = Math.max(1, app.route?.backends.length ?? 0);
    if (app.counters.inFlight > limits.backlogPerDyno * dynos) {
      this.fail('H11');
      return;
    }
    const keepBytes = this.repeatable ? limits.replayBytes : 0;
    const body = new RequestBody(start.request, start.body === 'none', keepBytes, () => this.watch?.touch());
    let maxIdleMs = this.repeatable ? limits.poolIdleMs : limits.poolIdleOnceMs;
    for (;;) {
      const found = await dispatch(context, app, {
        startedAt: this.startedAt,
        maxIdleMs,
        isOver: () => this.#over,
        onOver: (run) => this.onOver(run),
      });
      if (found === null) return;
      if (!('connection' in found)) {
        this.#noDyno(found);
        return;
      }
      if (!this.#take(found)) return;
      if ((await forward(this, found, body)) === 'done') return;
      this.#giveBack();
      maxIdleMs = -1;
    }
  }

  /** Notes who has the request; false when the exchange ended in between. */
  #take(lease: Lease): boolean {
    if (this.#over) {
      lease.connection.socket.destroy();
      this.context.table.inFlight.end(lease.backend.dynoId);
      return false;
    }
    this.#lease = lease;
    this.#dyno = lease.backend.name;
    this.#connectMs = lease.connectMs;
    this.#sentAt = this.context.clock.now();
    return true;
  }

  #noDyno(found: NoDyno): void {
    if (found.failure === 'no-such-app') {
      this.#close(404);
      sendPage(this.context, this.start, noSuchApp(this.start.host), false);
      return;
    }
    this.#dyno = found.backend?.name ?? null;
    this.#connectMs = found.connectMs;
    this.fail(found.failure);
  }

  #close(status: number | null): void {
    const { context, start } = this;
    this.#over = true;
    context.active.delete(this);
    start.app.counters.end(status);
    for (const run of [...this.#onOver]) run();
    this.#onOver.clear();
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#lease !== null) this.context.table.inFlight.end(this.#lease.backend.dynoId);
    this.#lease = null;
  }

  #record(key: FailureKey | null, status: number | null): void {
    const { context, start } = this;
    const now = context.clock.now();
    const text = routerLine(
      {
        method: this.method,
        path: start.path,
        host: start.host,
        requestId: this.requestId,
        fwd: this.fwd,
        dyno: this.#dyno,
        connectMs: this.#connectMs,
        serviceMs: this.#sentAt === null ? null : now - this.#sentAt,
        status,
        bytes: this.bytes,
        httpVersion: start.request.httpVersion,
      },
      key,
    );
    context.log(start.app.appId, { at: now * 1000, text, status });
  }
}

function forwardedFor(request: IncomingMessage): string {
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const before = request.headers['x-forwarded-for'];
  const list = Array.isArray(before) ? before.join(', ') : before;
  return list === undefined || list === '' ? address : `${list}, ${address}`;
}
