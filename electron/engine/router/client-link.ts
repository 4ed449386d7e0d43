import type { AppEntry } from './app-table.ts';
import { originLines } from './dyno-head.ts';
import type { ErrorPage } from './error-pages.ts';
import type { Exchange } from './exchange.ts';
import type { FailureKey } from './failures.ts';
import type { Origin } from './origin.ts';
import { bareRefusal, pageText } from './page-text.ts';
import type { Plane } from './plane.ts';
import { WheelTimer } from './timer-wheel.ts';
import type { WireUser } from './wire-input.ts';
import type { Wire } from './wire.ts';

/**
 * - `idle`: between two requests; `head`: in the middle of a head; `body`: in a body, which is dropped when nobody wants it
 * - `busy`: the request is whole and its answer is not; `tunnel`: behind an upgrade
 * - `closing`: all is said; what still comes is dropped
 */
type State = 'idle' | 'head' | 'body' | 'busy' | 'tunnel' | 'closing';

/** A client's connection as its requests see it: pages, what follows an answer, deadlines and the end. */
export abstract class ClientLink implements WireUser {
  readonly plane: Plane;
  readonly timer: WheelTimer;
  /** The client's address, as the dynos get it. */
  readonly address: string;
  readonly wire: Wire;
  /** Null for plain HTTP/1 on the router's port. */
  readonly origin: Origin | null;
  protected exchange: Exchange | null = null;
  /** The app among whose connections this one is. */
  protected app: AppEntry | null = null;
  protected state: State = 'idle';
  /** What came behind a request that is not answered yet. */
  protected stash: Buffer | null = null;
  protected keepAlive = true;
  protected minor = 1;
  #originLines: string | null = null;
  readonly #onGone: () => void;

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
    this.setTimer(plane.limits.headMs);
  }

  /** Lines about this client for the heads that dynos get, see `originLines`. */
  get originLines(): string {
    return (this.#originLines ??= originLines(this.address, this.origin ?? this.plane.port, ''));
  }

  get isIdle(): boolean {
    return this.state === 'idle' && this.exchange === null;
  }

  abstract onBytes(buffer: Buffer, length: number): void;

  onEnd(): void {
    this.#gone();
  }

  onClose(): void {
    this.#gone();
  }

  onDrain(): void {
    this.exchange?.onClientDrain();
  }

  /** Sends a page; answers how many bytes of body that is. */
  page(page: ErrorPage, method: string, close: boolean): number {
    if (close || this.plane.closing) this.keepAlive = false;
    const { head, body } = pageText(page, this.plane.renderPage(page), this.connectionLine());
    this.wire.text(head);
    if (method !== 'HEAD') this.wire.bytes(body, 0, body.length);
    this.wire.flush();
    return method === 'HEAD' ? 0 : body.length;
  }

  /** The Connection header of an answer, as a line; nothing where HTTP/1.1 needs none. */
  connectionLine(): string {
    if (!this.keepAlive) return 'Connection: close\r\n';
    return this.minor === 0 ? 'Connection: keep-alive\r\n' : '';
  }

  /** No request follows the one that is being answered. */
  closeAfter(): void {
    this.keepAlive = false;
  }

  /** Both sides leave HTTP; answers what the client has already said to the dyno. */
  becomeTunnel(): Buffer | null {
    this.state = 'tunnel';
    const said = this.stash;
    this.stash = null;
    this.wire.resume();
    return said;
  }

  /**
   * The exchange is over and its answer is out.
   * @param now by the clock that only grows
   */
  next(now = this.plane.clock.steady()): void {
    this.exchange = null;
    if (this.wire.destroyed) return;
    this.wire.resume();
    if (!this.keepAlive || this.plane.closing || this.state === 'tunnel') this.close();
    else if (this.state === 'body') this.setTimer(this.plane.limits.lingerMs);
    else this.toIdle(now);
    this.workOff();
  }

  /**
   * Breaks off, so that the client sees an error and not an end.
   * @param hard the end of the connection alone would look like the end of the answer
   */
  abort(hard: boolean): void {
    this.exchange = null;
    if (hard) this.wire.reset();
    this.destroy();
  }

  /** Ends its request with H24, if there is one; @param which those that have left HTTP, or any */
  cut(which: 'upgraded' | 'any'): void {
    if (which === 'any' || this.exchange?.upgraded === true) this.exchange?.cut();
  }

  destroy(): void {
    this.plane.wheel.remove(this.timer);
    this.#leaveApp();
    this.wire.destroy();
    this.#onGone();
  }

  /** Takes the requests that came while another was answered. */
  protected abstract workOff(): void;

  protected setTimer(ms: number): void {
    this.plane.wheel.set(this.timer, ms);
  }

  protected toIdle(now: number): void {
    this.state = 'idle';
    this.plane.wheel.set(this.timer, this.plane.limits.clientKeepAliveMs, now);
  }

  /** The first request for this app on the connection: what is wrong with that, or null. */
  protected joinApp(app: AppEntry): FailureKey | null {
    this.#leaveApp();
    if (app.connections >= this.plane.limits.clientConnections) {
      this.closeAfter();
      return 'H22';
    }
    app.connections++;
    this.app = app;
    return null;
  }

  #leaveApp(): void {
    if (this.app !== null) this.app.connections--;
    this.app = null;
  }

  protected refuse(status: number): void {
    this.wire.text(bareRefusal(status));
    this.close();
  }

  /** Ends the connection once the client has got everything; what it still says is dropped for a moment. */
  protected close(): void {
    this.state = 'closing';
    this.stash = null;
    this.wire.end();
    this.setTimer(this.plane.limits.lingerMs);
  }

  #gone(): void {
    const exchange = this.exchange;
    this.exchange = null;
    this.destroy();
    exchange?.onClientGone();
  }

  #onTimer(): void {
    if (this.exchange !== null) this.exchange.onTimer();
    else if (this.state === 'head') this.refuse(408);
    else this.destroy();
  }
}
