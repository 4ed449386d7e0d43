import { affinityLine } from './affinity.ts';
import { Answer } from './answer.ts';
import type { AppEntry } from './app-table.ts';
import type { ClientConnection } from './client.ts';
import { DynoConnection, type DynoUser, type NoConnection } from './dyno-connection.ts';
import type { DynoEntry } from './dyno-entry.ts';
import { dynoHead } from './dyno-head.ts';
import { DynoSearch, type Searching } from './dyno-search.ts';
import { noSuchApp, pageOf } from './error-pages.ts';
import { FAILURES, type FailureKey } from './failures.ts';
import { isStreamBroken } from './origin.ts';
import type { Plane } from './plane.ts';
import { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import { RequestRecord } from './request-record.ts';

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

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
export class Exchange extends RequestRecord implements DynoUser, Searching {
  readonly client: ClientConnection;
  /** The head of an answer went to the client: no page is possible any more. */
  started = false;
  /** The end of the connection is the end of the answer. */
  endsWithConnection = false;

  readonly #repeatable: boolean;
  /** Null for a request without a body. */
  readonly #body: RequestBody | null;
  #expectsContinue: boolean;
  #phase: Phase = 'fresh';
  #connection: DynoConnection | null = null;
  /** Counts the request as in flight. */
  #lease: DynoEntry | null = null;
  #answer: Answer | null = null;
  #mayReuse = true;
  readonly #search: DynoSearch;
  #connectBegan = 0;

  constructor(plane: Plane, client: ClientConnection, app: AppEntry, head: RequestHead) {
    super(plane, client, app, head);
    this.client = client;
    this.#expectsContinue = head.expectsContinue;
    this.#repeatable = REPEATABLE.has(head.method) && !head.upgrade;
    this.#search = new DynoSearch(this, client.timer);
    this.#body = head.body === 'none' ? null : new RequestBody(this.#repeatable, plane.limits.replayBytes);
  }

  /** Client and dyno have left HTTP, so that it does not end by itself. */
  get upgraded(): boolean {
    return this.#phase === 'tunnel';
  }

  /** Brings the request to a dyno, now or when there is one. */
  begin(): void {
    const dynos = Math.max(1, this.app.dynos.length);
    if (this.app.counters.inFlight > this.plane.limits.backlogPerDyno * dynos) this.#overflow();
    else this.#dispatch();
  }

  /** Looks for a dyno outside of the client's turn, at whose end nobody flushes. */
  again(): void {
    this.#dispatch();
    this.flush();
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
    if (page) this.bytes = this.client.page(pageOf(key, this.app.route), this.method, key.startsWith('H26'));
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
    else this.fail(isStreamBroken(this.client.wire.errorCode) ? 'H33' : 'H27');
  }

  /** Part of the request's body, as the dyno gets it. */
  onBody(buffer: Buffer, from: number, to: number): void {
    const body = this.#body;
    if (this.#phase === 'over' || body === null) return;
    this.bytesIn += to - from;
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
    this.bytesIn += to - from;
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
    if (this.#phase === 'held') this.again();
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
      this.again();
    }
  }

  onNoConnection(kind: NoConnection): void {
    const dyno = this.#connection?.entry;
    this.#connection = null;
    if (dyno === undefined) return;
    if (kind === 'no-room') {
      this.fail('H99');
      return;
    }
    if (dyno.inRoute) {
      dyno.quarantine();
      this.#search.note(kind, dyno, this.plane.clock.steady() - this.#connectBegan);
    }
    this.again();
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

  /** The line of the answer that keeps the client on its dyno; empty where nothing has to be said. */
  get affinityLine(): string {
    return this.app.pins === null || this.#lease === null ? '' : affinityLine(this.#lease, this.kept);
  }

  /** The answer's head is there, and the rest of it comes. */
  onAnswerBegins(status: number): void {
    this.#phase = 'answering';
    this.status = status;
    this.started = true;
  }

  /** Something of the answer came. */
  onProgress(): void {
    // The first byte is there: from here on only silence counts, in the middle of a head as well.
    if (this.#phase === 'waiting') this.#phase = 'answering';
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

  /** Brings the request to a dyno, if there is one. */
  #dispatch(): void {
    const found = this.#search.next();
    if (typeof found === 'object') this.#reach(found);
    else if (found === 'held' || found === 'asleep') {
      this.#phase = 'held';
      // May bring a route at once.
      if (found === 'asleep') this.plane.wake(this.appId);
    } else if (found === 'gone') this.#onAppGone();
    else this.fail(found);
  }

  /** More requests are in flight than may be; what the app's state says of this one comes first. */
  #overflow(): void {
    const found = this.#search.next();
    this.fail(typeof found === 'string' && found in FAILURES ? (found as FailureKey) : 'H11');
  }

  #reach(dyno: DynoEntry): void {
    const { limits, wheel } = this.plane;
    const maxIdleMs = this.#repeatable ? limits.poolIdleMs : limits.poolIdleOnceMs;
    const idle = this.#mayReuse ? dyno.take(maxIdleMs, this.startedAt) : null;
    if (idle !== null) {
      idle.use(this);
      this.#connection = idle;
      this.connectMs = 0;
      this.#send(idle, this.#phase === 'fresh' ? this.startedAt : this.plane.clock.steady());
      return;
    }
    wheel.clear(this.client.timer);
    this.#phase = 'connecting';
    this.#connectBegan = this.plane.clock.steady();
    this.#connection = new DynoConnection(dyno, this);
  }

  #send(connection: DynoConnection, now: number): void {
    const { wire, entry } = connection;
    const { client } = this;
    this.#phase = 'sending';
    this.sentAt = now;
    this.#lease = entry;
    entry.begin();
    this.dyno = entry.backend.name;
    this.#answer = new Answer(this);
    wire.text(dynoHead(this, this.fwd === client.address ? client.originLines : null));
    if (this.#expectsContinue) {
      this.#expectsContinue = false;
      client.wire.text('HTTP/1.1 100 Continue\r\n\r\n');
      client.wire.flush();
    }
    this.#body?.attach(wire);
    client.wire.resume();
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
    if (!silent) this.fail('H18');
    else if (silent && connection.reused && this.#repeatable && this.#body?.repeatable !== false) {
      this.#giveBack();
      this.#body?.detach();
      this.#mayReuse = false;
      this.again();
    } else this.fail('H13');
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
    this.#search.stop();
    this.end(status, failure, now);
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
