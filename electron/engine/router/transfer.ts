import { affinityLine } from './affinity.ts';
import type { Answer } from './answer.ts';
import type { ClientLink } from './client-link.ts';
import type { DynoConnection } from './dyno-connection.ts';
import type { DynoEntry } from './dyno-entry.ts';
import type { DynoSearch } from './dyno-search.ts';
import { pageOf } from './error-pages.ts';
import { FAILURES, type FailureKey } from './failures.ts';
import { isStreamBroken } from './origin.ts';
import type { RequestBody } from './request-body.ts';
import { RequestRecord } from './request-record.ts';

/**
 * - `fresh`: has just come; `held`: waits for a dyno; `connecting`
 * - `sending`: a dyno has it, and not yet all of it; `waiting`: it has all of it and has not begun to answer
 * - `answering`; `draining`: the answer is whole and the client has not taken all of it
 * - `tunnel`: behind an upgrade
 */
export type Phase =
  | 'fresh'
  | 'held'
  | 'connecting'
  | 'sending'
  | 'waiting'
  | 'answering'
  | 'draining'
  | 'tunnel'
  | 'over';

/**
 * What passes between a request's client and its dyno: the body, the answer, what is said behind an upgrade; the deadlines of
 * that, and the end, which comes once. Has no fields and no constructor, so that making an exchange takes no further step.
 */
export abstract class Transfer extends RequestRecord {
  abstract readonly client: ClientLink;
  /** The head of an answer went to the client: no page is possible any more. */
  abstract started: boolean;
  /** The end of the connection is the end of the answer. */
  abstract endsWithConnection: boolean;
  protected abstract phase: Phase;
  /** Null for a request without a body. */
  protected abstract readonly body: RequestBody | null;
  protected abstract connection: DynoConnection | null;
  /** Counts the request as in flight. */
  protected abstract lease: DynoEntry | null;
  protected abstract answer: Answer | null;
  protected abstract readonly search: DynoSearch;

  /** Looks for a dyno outside of the client's turn, at whose end nobody flushes. */
  abstract again(): void;

  /** Client and dyno have left HTTP, so that it does not end by itself. */
  get upgraded(): boolean {
    return this.phase === 'tunnel';
  }

  /** Writes what this turn has added for the dyno. */
  flush(): void {
    this.connection?.wire.flush();
    this.checkSent();
  }

  /** Ends the exchange with a failure: a page when the client can still get one, else a broken connection. */
  fail(key: FailureKey): void {
    if (this.phase === 'over') return;
    const failure = FAILURES[key];
    this.settle(failure.status, key);
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
    if (this.phase === 'tunnel') this.finish();
    else this.fail(isStreamBroken(this.client.wire.errorCode) ? 'H33' : 'H27');
  }

  /** Part of the request's body, as the dyno gets it. */
  onBody(buffer: Buffer, from: number, to: number): void {
    const body = this.body;
    if (this.phase === 'over' || body === null) return;
    this.bytesIn += to - from;
    const wire = body.attached;
    if (wire === null) {
      if (body.keep(buffer, from, to)) this.client.wire.pause();
      return;
    }
    body.send(buffer, from, to);
    if (wire.waiting > this.plane.limits.requestBufferBytes) this.client.wire.pause();
    if (this.phase === 'sending' || this.phase === 'answering') this.setTimer(this.plane.limits.idleMs);
  }

  onBodyText(text: string): void {
    if (this.phase !== 'over') this.body?.text(text);
  }

  onBodyEnd(): void {
    if (this.body !== null) this.body.complete = true;
  }

  /** What the client says behind an upgrade. */
  onTunnel(buffer: Buffer, from: number, to: number): void {
    const wire = this.connection?.wire;
    if (wire === undefined) return;
    this.bytesIn += to - from;
    wire.bytes(buffer, from, to);
    wire.flush();
    if (wire.waiting > this.plane.limits.requestBufferBytes) this.client.wire.pause();
    this.setTimer(this.plane.limits.idleMs);
  }

  onClientDrain(): void {
    this.connection?.wire.resume();
    if (this.phase === 'draining') this.finish();
    else if (this.phase === 'answering' || this.phase === 'tunnel') this.setTimer(this.plane.limits.idleMs);
  }

  onTimer(): void {
    const clientWaits = this.client.wire.waiting > 0;
    if (this.phase === 'held') this.again();
    else if (this.phase === 'waiting') this.fail('H12');
    else if (this.phase === 'tunnel') this.fail('H15');
    else if (this.phase === 'sending') this.fail((this.connection?.wire.waiting ?? 0) > 0 ? 'H15' : 'H28');
    else this.fail(clientWaits ? 'H28' : 'H15');
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.phase === 'tunnel') this.toClient(buffer, length);
    else this.answer?.onBytes(buffer, length);
  }

  onDrain(): void {
    this.client.wire.resume();
    if (this.phase === 'sending') this.setTimer(this.plane.limits.idleMs);
    this.checkSent();
  }

  /** The line of the answer that keeps the client on its dyno; empty where nothing has to be said. */
  get affinityLine(): string {
    return this.app.pins === null || this.lease === null ? '' : affinityLine(this.lease, this.kept);
  }

  /** The answer's head is there, and the rest of it comes. */
  onAnswerBegins(status: number): void {
    this.phase = 'answering';
    this.status = status;
    this.started = true;
  }

  /** Something of the answer came. */
  onProgress(): void {
    // The first byte is there: from here on only silence counts, in the middle of a head as well.
    if (this.phase === 'waiting') this.phase = 'answering';
    if (this.phase !== 'answering') return;
    this.setTimer(this.plane.limits.idleMs);
    if (this.client.wire.waiting > this.plane.limits.responseBufferBytes) this.connection?.wire.pause();
  }

  /**
   * The answer is whole.
   * @param idleMs how long the dyno's connection may be kept for another request; 0 when it cannot
   */
  onAnswerEnds(idleMs: number): void {
    const now = this.plane.clock.steady();
    const connection = this.connection;
    this.connection = null;
    const sent = this.isBodyComplete && connection?.wire.waiting === 0;
    if (sent && idleMs > 0) connection.release(Math.min(idleMs, this.plane.limits.poolIdleMs), now);
    else connection?.destroy();
    if (this.client.wire.waiting > 0) {
      this.phase = 'draining';
      this.setTimer(this.plane.limits.idleMs);
    } else this.finish(now);
  }

  /** Both sides leave HTTP. */
  onUpgrade(): void {
    this.phase = 'tunnel';
    this.status = 101;
    this.started = true;
    this.setTimer(this.plane.limits.idleMs);
    const said = this.client.becomeTunnel();
    if (said !== null) this.onTunnel(said, 0, said.length);
  }

  /** @param now by the clock that only grows, for those who have just asked it */
  protected setTimer(ms: number, now?: number): void {
    this.plane.wheel.set(this.client.timer, ms, now);
  }

  protected get isBodyComplete(): boolean {
    return this.body === null || this.body.complete;
  }

  protected checkSent(): void {
    if (this.phase !== 'sending') return;
    if (this.isBodyComplete && this.connection?.wire.waiting === 0) {
      this.phase = 'waiting';
      // A request without a body has just been sent.
      this.setTimer(this.plane.limits.firstByteMs, this.body === null ? this.sentAt : undefined);
    } else this.setTimer(this.plane.limits.idleMs);
  }

  protected toClient(buffer: Buffer, length: number): void {
    const { wire } = this.client;
    this.bytes += length;
    wire.bytes(buffer, 0, length);
    wire.flush();
    if (wire.waiting > this.plane.limits.requestBufferBytes) this.connection?.wire.pause();
    this.setTimer(this.plane.limits.idleMs);
  }

  /** Ends the exchange after the dyno's answer was handed on as a whole, or after a tunnel. */
  protected finish(now = this.plane.clock.steady()): void {
    if (this.phase === 'over') return;
    this.settle(this.status, null, now);
    this.plane.log(this);
    this.client.next(now);
  }

  protected settle(status: number | null, failure: FailureKey | null, now = this.plane.clock.steady()): void {
    const wasTunnel = this.phase === 'tunnel';
    this.phase = 'over';
    this.search.stop();
    this.end(status, failure, now);
    if (wasTunnel && failure === null) {
      this.connection?.finish();
      this.connection = null;
    }
    this.giveBack();
  }

  protected giveBack(): void {
    this.connection?.destroy();
    this.connection = null;
    this.answer = null;
    this.lease?.end();
    this.lease = null;
  }
}
