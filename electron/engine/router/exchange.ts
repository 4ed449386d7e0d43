import { randomUUID } from 'node:crypto';
import { Answer } from './answer.ts';
import type { AppEntry } from './app-table.ts';
import type { ClientConnection } from './client.ts';
import { decide } from './decision.ts';
import { DynoConnection, type DynoUser } from './dyno-connection.ts';
import type { DynoEntry } from './dyno-entry.ts';
import { noSuchApp, pageOf } from './error-pages.ts';
import { FAILURES, type FailureKey } from './failures.ts';
import type { EndedRequest } from './log-batch.ts';
import type { Plane } from './plane.ts';
import { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import { originLines, timeLines } from './dyno-head.ts';

const REQUEST_ID = /^[A-Za-z0-9+/=-]{20,200}$/;
/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** First wait, in milliseconds, when all dynos are in quarantine; it doubles up to 32 times that. */
const QUARANTINE_POLL_MS = 50;

/**
 * - `fresh`: has just come; `held`: waits for a dyno; `connecting`
 * - `sending`: a dyno has it, and not yet all of it; `waiting`: it has all of it and has not begun to answer
 * - `answering`; `draining`: the answer is whole and the client has not taken all of it
 * - `tunnel`: behind an upgrade
 */
type Phase =
  | 'fresh'
  | 'held'
  | 'connecting'
  | 'sending'
  | 'waiting'
  | 'answering'
  | 'draining'
  | 'tunnel'
  | 'over';

/** One request of a client from its head to its line in the log; ends exactly once. */
export class Exchange implements DynoUser, EndedRequest {
  readonly plane: Plane;
  readonly client: ClientConnection;
  readonly app: AppEntry;
  readonly appId: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly minor: number;
  readonly requestId: string;
  readonly fwd: string;
  /** The client wants to leave HTTP. */
  readonly upgrade: boolean;
  dyno: string | null = null;
  connectMs: number | null = null;
  serviceMs: number | null = null;
  status: number | null = null;
  /** Bytes of body sent to the client. */
  bytes = 0;
  endedAt = 0;
  failure: FailureKey | null = null;
  /** The head of an answer went to the client: no page is possible any more. */
  started = false;
  /** The end of the connection is the end of the answer. */
  endsWithConnection = false;

  readonly #kept: string;
  readonly #via: string;
  readonly #repeatable: boolean;
  /** Null for a request without a body. */
  readonly #body: RequestBody | null;
  /** By the clock that only grows, and since the epoch; milliseconds. */
  readonly #startedAt: number;
  readonly #startedWall: number;
  #expectsContinue: boolean;
  #phase: Phase = 'fresh';
  #connection: DynoConnection | null = null;
  /** Counts the request as in flight. */
  #lease: DynoEntry | null = null;
  #answer: Answer | null = null;
  #sentAt = -1;
  #mayReuse = true;
  #tried: Set<DynoEntry> | null = null;
  #lastMiss: { readonly kind: 'refused' | 'timeout'; readonly dyno: DynoEntry; readonly ms: number } | null =
    null;
  #connectBegan = 0;
  #polls = 0;
  #forgetRoute: (() => void) | null = null;

  constructor(plane: Plane, client: ClientConnection, app: AppEntry, head: RequestHead) {
    this.plane = plane;
    this.client = client;
    this.app = app;
    this.appId = app.appId;
    this.method = head.method;
    this.path = head.path;
    this.host = head.host;
    this.minor = head.minor;
    this.upgrade = head.upgrade;
    this.requestId = head.requestId !== '' && REQUEST_ID.test(head.requestId) ? head.requestId : randomUUID();
    this.fwd = head.forwardedFor === '' ? client.address : `${head.forwardedFor}, ${client.address}`;
    this.#kept = head.kept;
    this.#via = head.via;
    this.#expectsContinue = head.expectsContinue;
    this.#repeatable = REPEATABLE.has(head.method) && !head.upgrade;
    this.#body = head.body === 'none' ? null : new RequestBody(this.#repeatable, plane.limits.replayBytes);
    this.#startedAt = plane.clock.steady();
    this.#startedWall = plane.clock.now();
    app.counters.begin();
    plane.countsChanged?.(app.appId);
  }

  get httpVersion(): string {
    return this.minor === 0 ? '1.0' : '1.1';
  }

  /** Client and dyno have left HTTP, so that it does not end by itself. */
  get upgraded(): boolean {
    return this.#phase === 'tunnel';
  }

  /** Brings the request to a dyno, now or when there is one. */
  begin(): void {
    const dynos = Math.max(1, this.app.dynos.length);
    if (this.app.counters.inFlight > this.plane.limits.backlogPerDyno * dynos) this.fail('H11');
    else this.#dispatch();
  }

  /** Writes what this turn has added for the dyno. */
  flush(): void {
    this.#connection?.wire.flush();
    this.#checkSent();
  }

  /** Ends the exchange with a failure: a page when the client can still get one, else a broken connection. */
  fail(key: FailureKey): void {
    if (this.#phase === 'over') return;
    const failure = FAILURES[key];
    this.#settle(failure.status, key);
    const page = failure.page && !this.started;
    if (page)
      this.bytes = this.client.page(
        pageOf(key, this.app.route?.appName ?? ''),
        this.method,
        key.startsWith('H26'),
      );
    this.plane.log(this);
    if (page) this.client.next();
    else this.client.abort(this.endsWithConnection);
  }

  /** Ends it with H24. */
  cut(): void {
    this.fail('H24');
  }

  onClientGone(): void {
    if (this.#phase === 'tunnel') this.#finish();
    else this.fail('H27');
  }

  /** Part of the request's body, as the dyno gets it. */
  onBody(buffer: Buffer, from: number, to: number): void {
    const body = this.#body;
    if (this.#phase === 'over' || body === null) return;
    const wire = body.attached;
    if (wire === null) {
      if (body.keep(buffer, from, to)) this.client.wire.pause();
      return;
    }
    body.send(buffer, from, to);
    if (wire.waiting > this.plane.limits.requestBufferBytes) this.client.wire.pause();
    if (this.#phase === 'sending' || this.#phase === 'answering') this.#setTimer(this.plane.limits.idleMs);
  }

  onBodyText(text: string): void {
    if (this.#phase !== 'over') this.#body?.text(text);
  }

  onBodyEnd(): void {
    if (this.#body !== null) this.#body.complete = true;
  }

  /** What the client says behind an upgrade. */
  onTunnel(buffer: Buffer, from: number, to: number): void {
    const wire = this.#connection?.wire;
    if (wire === undefined) return;
    wire.bytes(buffer, from, to);
    wire.flush();
    if (wire.waiting > this.plane.limits.requestBufferBytes) this.client.wire.pause();
    this.#setTimer(this.plane.limits.idleMs);
  }

  onClientDrain(): void {
    this.#connection?.wire.resume();
    if (this.#phase === 'draining') this.#finish();
    else if (this.#phase === 'answering' || this.#phase === 'tunnel')
      this.#setTimer(this.plane.limits.idleMs);
  }

  onTimer(): void {
    const clientWaits = this.client.wire.waiting > 0;
    if (this.#phase === 'held') this.#again();
    else if (this.#phase === 'waiting') this.fail('H12');
    else if (this.#phase === 'tunnel') this.fail('H15');
    else if (this.#phase === 'sending') this.fail((this.#connection?.wire.waiting ?? 0) > 0 ? 'H15' : 'H28');
    else this.fail(clientWaits ? 'H28' : 'H15');
  }

  onConnect(): void {
    const connection = this.#connection;
    if (connection === null) return;
    const now = this.plane.clock.steady();
    this.connectMs = now - this.#connectBegan;
    if (connection.entry.inRoute) {
      this.#send(connection, now);
      this.flush();
    } else {
      this.#connection = null;
      connection.destroy();
      this.#again();
    }
  }

  onNoConnection(kind: 'refused' | 'timeout'): void {
    const dyno = this.#connection?.entry;
    this.#connection = null;
    if (dyno === undefined) return;
    if (dyno.inRoute) {
      dyno.quarantine();
      (this.#tried ??= new Set()).add(dyno);
      this.#lastMiss = { kind, dyno, ms: this.plane.clock.steady() - this.#connectBegan };
    }
    this.#again();
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.#phase === 'tunnel') this.#toClient(buffer, length);
    else this.#answer?.onBytes(buffer, length);
  }

  onEnd(): void {
    if (this.#phase === 'tunnel') this.#finish();
    else if (this.#answer?.onEnd() === false) this.#onDynoGone();
  }

  onClose(): void {
    if (this.#phase === 'tunnel') this.#finish();
    else this.#onDynoGone();
  }

  onDrain(): void {
    this.client.wire.resume();
    if (this.#phase === 'sending') this.#setTimer(this.plane.limits.idleMs);
    this.#checkSent();
  }

  /** The answer's head is there, and the rest of it comes. */
  onAnswerBegins(status: number): void {
    this.#phase = 'answering';
    this.status = status;
    this.started = true;
  }

  /** Something of the answer came. */
  onProgress(): void {
    if (this.#phase !== 'answering') return;
    this.#setTimer(this.plane.limits.idleMs);
    if (this.client.wire.waiting > this.plane.limits.responseBufferBytes) this.#connection?.wire.pause();
  }

  /**
   * The answer is whole.
   * @param idleMs how long the dyno's connection may be kept for another request; 0 when it cannot
   */
  onAnswerEnds(idleMs: number): void {
    const now = this.plane.clock.steady();
    const connection = this.#connection;
    this.#connection = null;
    const sent = this.#isBodyComplete && connection?.wire.waiting === 0;
    if (sent && idleMs > 0) connection.release(Math.min(idleMs, this.plane.limits.poolIdleMs), now);
    else connection?.destroy();
    if (this.client.wire.waiting > 0) {
      this.#phase = 'draining';
      this.#setTimer(this.plane.limits.idleMs);
    } else this.#finish(now);
  }

  /** Both sides leave HTTP. */
  onUpgrade(): void {
    this.#phase = 'tunnel';
    this.status = 101;
    this.started = true;
    this.#setTimer(this.plane.limits.idleMs);
    const said = this.client.becomeTunnel();
    if (said !== null) this.onTunnel(said, 0, said.length);
  }

  #setTimer(ms: number): void {
    this.plane.wheel.set(this.client.timer, ms);
  }

  /** Finds a dyno; holds the request while none is up, tries others when one cannot be reached (reference: heroku-platform 4.1). */
  #dispatch(): void {
    const { app, plane } = this;
    this.#forgetRoute?.();
    this.#forgetRoute = null;
    if (app.route === null) {
      this.#onAppGone();
      return;
    }
    const found = decide(app.route, app.dynos, this.#tried, plane.clock.random());
    const exhausted = found === 'exhausted' || (this.#tried?.size ?? 0) >= plane.limits.connectAttempts;
    if (exhausted) this.#unreachable();
    else if (typeof found === 'object') this.#reach(found);
    else if (found === 'hold' || found === 'wake' || found === 'later') this.#hold(found);
    else this.fail(found);
  }

  /** Finds a dyno outside of the client's turn, at whose end nobody flushes. */
  #again(): void {
    this.#dispatch();
    this.flush();
  }

  #hold(kind: 'hold' | 'wake' | 'later'): void {
    const { app, plane } = this;
    const left = this.#startedAt + plane.limits.holdMs - plane.clock.steady();
    if (left <= 0) {
      this.fail(kind === 'later' ? 'H34' : 'H20');
      return;
    }
    this.#phase = 'held';
    this.#forgetRoute = app.onChange(() => {
      this.#again();
    });
    const poll = QUARANTINE_POLL_MS * 2 ** Math.min(this.#polls, 5);
    this.#setTimer(kind === 'later' ? Math.min(left, poll) : left);
    if (kind === 'later') this.#polls++;
    if (kind === 'wake') plane.wake(app.appId);
  }

  #reach(dyno: DynoEntry): void {
    const { limits, wheel } = this.plane;
    const maxIdleMs = this.#repeatable ? limits.poolIdleMs : limits.poolIdleOnceMs;
    const idle = this.#mayReuse ? dyno.take(maxIdleMs, this.#startedAt) : null;
    if (idle !== null) {
      idle.use(this);
      this.#connection = idle;
      this.connectMs = 0;
      this.#send(idle, this.#phase === 'fresh' ? this.#startedAt : this.plane.clock.steady());
      return;
    }
    wheel.clear(this.client.timer);
    this.#phase = 'connecting';
    this.#connectBegan = this.plane.clock.steady();
    this.#connection = new DynoConnection(dyno, this);
  }

  #send(connection: DynoConnection, now: number): void {
    const { wire, entry } = connection;
    this.#phase = 'sending';
    this.#sentAt = now;
    this.#lease = entry;
    entry.begin();
    this.dyno = entry.backend.name;
    this.#answer = new Answer(this);
    wire.text(this.#dynoHead());
    if (this.#expectsContinue) {
      this.#expectsContinue = false;
      this.client.wire.text('HTTP/1.1 100 Continue\r\n\r\n');
      this.client.wire.flush();
    }
    this.#body?.attach(wire);
    this.client.wire.resume();
  }

  /** What came, in its order and spelling, without what is the router's, and the router's own (reference: heroku-platform 4.4). */
  #dynoHead(): string {
    const { client, fwd } = this;
    const total = Math.max(0, Math.round(this.#sentAt - this.#startedAt));
    const connect = Math.round(this.connectMs ?? 0);
    const origin =
      this.#via === '' && fwd === client.address
        ? client.originLines
        : originLines(fwd, this.plane.port, this.#via);
    return (
      this.#kept +
      (this.upgrade ? 'Connection: Upgrade\r\nX-Request-Id: ' : 'Connection: keep-alive\r\nX-Request-Id: ') +
      this.requestId +
      origin +
      timeLines(connect, this.#startedWall, total)
    );
  }

  get #isBodyComplete(): boolean {
    return this.#body === null || this.#body.complete;
  }

  #checkSent(): void {
    if (this.#phase !== 'sending') return;
    if (this.#isBodyComplete && this.#connection?.wire.waiting === 0) {
      this.#phase = 'waiting';
      this.#setTimer(this.plane.limits.firstByteMs);
    } else this.#setTimer(this.plane.limits.idleMs);
  }

  #toClient(buffer: Buffer, length: number): void {
    const { wire } = this.client;
    this.bytes += length;
    wire.bytes(buffer, 0, length);
    wire.flush();
    if (wire.waiting > this.plane.limits.requestBufferBytes) this.#connection?.wire.pause();
    this.#setTimer(this.plane.limits.idleMs);
  }

  /** The dyno's connection broke, and its answer is not whole. */
  #onDynoGone(): void {
    const connection = this.#connection;
    const silent = this.#answer?.isSilent === true;
    if (connection === null) return;
    if (!silent && this.started) this.fail('H18');
    else if (silent && connection.reused && this.#repeatable && this.#body?.repeatable !== false) {
      this.#giveBack();
      this.#body?.detach();
      this.#mayReuse = false;
      this.#again();
    } else this.fail('H13');
  }

  #unreachable(): void {
    const last = this.#lastMiss;
    this.dyno = last?.dyno.backend.name ?? null;
    this.connectMs = last?.ms ?? null;
    if (last === null) this.fail('H99');
    else this.fail(last.kind === 'timeout' ? 'H19' : 'H21');
  }

  #onAppGone(): void {
    this.#settle(404, null);
    this.client.page(noSuchApp(this.host), this.method, false);
    this.client.next();
  }

  /** Ends the exchange after the dyno's answer was handed on as a whole, or after a tunnel. */
  #finish(now = this.plane.clock.steady()): void {
    if (this.#phase === 'over') return;
    this.#settle(this.status, null, now);
    this.plane.log(this);
    this.client.next(now);
  }

  #settle(status: number | null, failure: FailureKey | null, now = this.plane.clock.steady()): void {
    const wasTunnel = this.#phase === 'tunnel';
    this.#phase = 'over';
    this.#forgetRoute?.();
    this.#forgetRoute = null;
    this.status = status;
    this.failure = failure;
    this.serviceMs = this.#sentAt < 0 ? null : now - this.#sentAt;
    this.endedAt = this.#startedWall + (now - this.#startedAt);
    this.app.counters.end(status);
    this.plane.countsChanged?.(this.appId);
    if (wasTunnel && failure === null) {
      this.#connection?.finish();
      this.#connection = null;
    }
    this.#giveBack();
  }

  #giveBack(): void {
    this.#connection?.destroy();
    this.#connection = null;
    this.#answer = null;
    this.#lease?.end();
    this.#lease = null;
  }
}
