import type { AppEntry } from './app-table.ts';
import { type BodySink, ChunkReader } from './chunked.ts';
import { originLines } from './dyno-head.ts';
import { type ErrorPage, noSuchApp } from './error-pages.ts';
import { Exchange } from './exchange.ts';
import type { FailureKey } from './failures.ts';
import { textOf } from './latin1.ts';
import { REQUEST_HEAD_MAX, REQUEST_LINE_MAX } from './limits.ts';
import { misdirection, type Origin } from './origin.ts';
import { bareRefusal, pageText } from './page-text.ts';
import type { Plane } from './plane.ts';
import { type HeadProblem, RequestHead } from './request-head.ts';
import { WheelTimer } from './timer-wheel.ts';
import { bytesOf, endOfToken } from './tokens.ts';
import type { Wire, WireUser } from './wire.ts';

/** What is read in one go when a head begins; a head hardly ever is larger. */
const PEEK = 16 * 1024;
const HEAD = new RequestHead();

/**
 * - `idle`: between two requests; `head`: in the middle of a head; `body`: in a body, which is dropped when nobody wants it
 * - `busy`: the request is whole and its answer is not; `tunnel`: behind an upgrade
 * - `closing`: all is said; what still comes is dropped
 */
type State = 'idle' | 'head' | 'body' | 'busy' | 'tunnel' | 'closing';

/** A client's connection: takes its requests apart, one behind the other, and gives each to an exchange. */
export class ClientConnection implements WireUser, BodySink {
  readonly plane: Plane;
  readonly timer: WheelTimer;
  /** The client's address, as the dynos get it. */
  readonly address: string;
  readonly wire: Wire;
  #exchange: Exchange | null = null;
  /** The app among whose connections this one is. */
  #app: AppEntry | null = null;
  #state: State = 'idle';
  /** The beginning of a head. */
  #text = '';
  #left = 0;
  #chunks: ChunkReader | null = null;
  /** What came behind a request that is not answered yet. */
  #stash: Buffer | null = null;
  #processing = false;
  #keepAlive = true;
  #minor = 1;
  #originLines: string | null = null;
  readonly #onGone: () => void;
  /** Null for plain HTTP/1 on the router's port. */
  readonly origin: Origin | null;

  /** @param open makes the wire, with this as its user */
  constructor(
    plane: Plane,
    open: (user: WireUser) => Wire,
    onGone: () => void,
    origin: Origin | null = null,
  ) {
    this.plane = plane;
    this.origin = origin;
    this.#onGone = onGone;
    this.timer = new WheelTimer(() => {
      this.#onTimer();
    });
    this.wire = open(this);
    this.address = this.wire.remoteAddress.replace(/^::ffff:/, '');
    this.#setTimer(plane.limits.headMs);
  }

  /** Lines about this client for the heads that dynos get, see `originLines`. */
  get originLines(): string {
    return (this.#originLines ??= originLines(this.address, this.origin ?? this.plane.port, ''));
  }

  get isIdle(): boolean {
    return this.#state === 'idle' && this.#exchange === null;
  }

  onBytes(buffer: Buffer, length: number): void {
    if (this.#stash === null) this.#process(buffer, length);
    else this.#keep(buffer, 0, length);
    this.#workOff();
  }

  onEnd(): void {
    this.#gone();
  }

  onClose(): void {
    this.#gone();
  }

  onDrain(): void {
    this.#exchange?.onClientDrain();
  }

  /** Sends a page; answers how many bytes of body that is. */
  page(page: ErrorPage, method: string, close: boolean): number {
    if (close || this.plane.closing) this.#keepAlive = false;
    const { head, body } = pageText(page, this.plane.renderPage(page), this.connectionLine());
    this.wire.text(head);
    if (method !== 'HEAD') this.wire.bytes(body, 0, body.length);
    this.wire.flush();
    return method === 'HEAD' ? 0 : body.length;
  }

  /** The Connection header of an answer, as a line; nothing where HTTP/1.1 needs none. */
  connectionLine(): string {
    if (!this.#keepAlive) return 'Connection: close\r\n';
    return this.#minor === 0 ? 'Connection: keep-alive\r\n' : '';
  }

  /** No request follows the one that is being answered. */
  closeAfter(): void {
    this.#keepAlive = false;
  }

  /** Both sides leave HTTP; answers what the client has already said to the dyno. */
  becomeTunnel(): Buffer | null {
    this.#state = 'tunnel';
    const said = this.#stash;
    this.#stash = null;
    this.wire.resume();
    return said;
  }

  /**
   * The exchange is over and its answer is out.
   * @param now by the clock that only grows
   */
  next(now = this.plane.clock.steady()): void {
    this.#exchange = null;
    if (this.wire.destroyed) return;
    this.wire.resume();
    if (!this.#keepAlive || this.plane.closing || this.#state === 'tunnel') this.#close();
    else if (this.#state === 'body') this.#setTimer(this.plane.limits.lingerMs);
    else this.#toIdle(now);
    this.#workOff();
  }

  /**
   * Breaks off, so that the client sees an error and not an end.
   * @param hard the end of the connection alone would look like the end of the answer
   */
  abort(hard: boolean): void {
    this.#exchange = null;
    if (hard) this.wire.reset();
    this.destroy();
  }

  /** Ends its request with H24, if there is one; @param which those that have left HTTP, or any */
  cut(which: 'upgraded' | 'any'): void {
    if (which === 'any' || this.#exchange?.upgraded === true) this.#exchange?.cut();
  }

  destroy(): void {
    this.plane.wheel.remove(this.timer);
    this.#leaveApp();
    this.wire.destroy();
    this.#onGone();
  }

  span(buffer: Buffer, from: number, to: number): void {
    this.#exchange?.onBody(buffer, from, to);
  }

  text(text: string): void {
    this.#exchange?.onBodyText(text);
  }

  #setTimer(ms: number): void {
    this.plane.wheel.set(this.timer, ms);
  }

  #toIdle(now: number): void {
    this.#state = 'idle';
    this.plane.wheel.set(this.timer, this.plane.limits.clientKeepAliveMs, now);
  }

  /** Takes the requests that came while another was answered. */
  #workOff(): void {
    while (this.#stash !== null && !this.#processing && this.#state !== 'busy') {
      const stash = this.#stash;
      this.#stash = null;
      this.#process(stash, stash.length);
    }
  }

  #process(buffer: Buffer, length: number): void {
    this.#processing = true;
    let at = 0;
    while (at < length && !this.wire.destroyed) {
      if (this.#state === 'idle' || this.#state === 'head') at = this.#readHead(buffer, at, length);
      else if (this.#state === 'body') at = this.#readBody(buffer, at, length);
      else {
        if (this.#state === 'busy') this.#keep(buffer, at, length);
        else if (this.#state === 'tunnel') this.#exchange?.onTunnel(buffer, at, length);
        at = length;
      }
    }
    this.#processing = false;
    this.#exchange?.flush();
  }

  #keep(buffer: Buffer, from: number, to: number): void {
    const more = buffer.subarray(from, to);
    this.#stash = this.#stash === null ? Buffer.from(more) : Buffer.concat([this.#stash, more]);
    if (this.#stash.length > this.plane.limits.pipelineBytes) this.wire.pause();
  }

  #readHead(buffer: Buffer, from: number, to: number): number {
    const before = this.#text;
    let at = from;
    // Some clients say an empty line behind a body (RFC 9112, 2.2).
    if (before === '' && buffer[at] === 13 && buffer[at + 1] === 10 && at + 1 < to) at += 2;
    const peek = Math.min(to, at + PEEK);
    const text = before + textOf(buffer, at, peek);
    const found = text.indexOf('\r\n\r\n', Math.max(0, before.length - 3));
    if (found < 0) {
      this.#onPartOfHead(text, before.length);
      return peek;
    }
    this.#text = '';
    const end = found + 4;
    const problem = end > REQUEST_HEAD_MAX ? 'bad' : HEAD.read(text, end);
    this.#onHead(problem);
    return at + end - before.length;
  }

  #onPartOfHead(text: string, before: number): void {
    const fresh = text.slice(Math.max(0, before - 1));
    const lineStart = text.lastIndexOf('\n') + 1;
    const hopeless =
      (text.length > 0 && endOfToken(bytesOf(text, 1), 0) === 0 && text !== '\r') ||
      /[^\r]\n/.test(fresh) ||
      text.length - lineStart > REQUEST_LINE_MAX + 2 ||
      text.length > REQUEST_HEAD_MAX;
    if (hopeless) {
      HEAD.read('', 0);
      this.#onHead('bad');
      return;
    }
    this.#text = text;
    if (this.#state === 'head') return;
    this.#state = 'head';
    this.#setTimer(this.plane.limits.headMs);
  }

  #onHead(problem: HeadProblem | null): void {
    this.#minor = HEAD.minor;
    // Who wants to leave HTTP may have begun to speak something else.
    this.#keepAlive = HEAD.keepAlive && problem !== 'bad' && !HEAD.upgrade;
    this.#state = HEAD.body === 'none' || problem === 'bad' ? 'busy' : 'body';
    this.#left = HEAD.length;
    if (problem === 'connect') {
      this.#refuse(405);
      return;
    }
    const app = this.plane.table.findByHost(HEAD.host);
    if (app === undefined) this.#noApp(problem);
    else this.#begin(app, problem);
  }

  #noApp(problem: HeadProblem | null): void {
    const page =
      problem === 'bad' ? { status: 400, code: 'H26', appName: '', html: null } : noSuchApp(HEAD.host);
    if (HEAD.body === 'chunked') this.#chunks = new ChunkReader(false);
    this.page(page, HEAD.method, problem === 'bad');
    this.next();
  }

  #begin(app: AppEntry, problem: HeadProblem | null): void {
    const exchange = new Exchange(this.plane, this, app, HEAD);
    this.#exchange = exchange;
    this.#chunks = HEAD.body === 'chunked' ? new ChunkReader(true) : null;
    if (problem === 'bad') exchange.fail('H26_header');
    else if (problem === 'expect') exchange.fail('H26_expect');
    else {
      let failure = this.origin === null ? null : misdirection(this.origin, HEAD.host);
      if (app !== this.#app) failure ??= this.#joinApp(app);
      if (failure === null) exchange.begin();
      else exchange.fail(failure);
    }
  }

  /** The first request for this app on the connection: what is wrong with that, or null. */
  #joinApp(app: AppEntry): FailureKey | null {
    this.#leaveApp();
    if (app.connections >= this.plane.limits.clientConnections) {
      this.closeAfter();
      return 'H22';
    }
    app.connections++;
    this.#app = app;
    return null;
  }

  #leaveApp(): void {
    if (this.#app !== null) this.#app.connections--;
    this.#app = null;
  }

  #readBody(buffer: Buffer, from: number, to: number): number {
    let at: number;
    if (this.#chunks === null) {
      at = Math.min(to, from + this.#left);
      this.#left -= at - from;
      this.span(buffer, from, at);
    } else {
      at = this.#chunks.feed(buffer, from, to, this);
      if (at < 0) {
        this.#keepAlive = false;
        if (this.#exchange === null) this.#close();
        else this.#exchange.fail('H26_chunk');
        return to;
      }
    }
    if (this.#chunks === null ? this.#left === 0 : this.#chunks.done) this.#onBodyEnd();
    return at;
  }

  #onBodyEnd(): void {
    this.#chunks = null;
    if (this.#exchange === null) {
      if (this.#state === 'body') this.#toIdle(this.plane.clock.steady());
      return;
    }
    this.#state = 'busy';
    this.#exchange.onBodyEnd();
  }

  #refuse(status: number): void {
    this.wire.text(bareRefusal(status));
    this.#close();
  }

  /** Ends the connection once the client has got everything; what it still says is dropped for a moment. */
  #close(): void {
    this.#state = 'closing';
    this.#stash = null;
    this.wire.end();
    this.#setTimer(this.plane.limits.lingerMs);
  }

  #gone(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.destroy();
    exchange?.onClientGone();
  }

  #onTimer(): void {
    if (this.#exchange !== null) this.#exchange.onTimer();
    else if (this.#state === 'head') this.#refuse(408);
    else this.destroy();
  }
}
