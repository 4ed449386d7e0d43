import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Writable } from 'node:stream';
import type { RouterLimits } from './limits.ts';

/** The way back to the client, whatever carries it. */
export interface Reply {
  /** A head was sent; no page is possible any more. */
  readonly started: boolean;
  /** Takes the body. Its `finish` tells that everything was handed on, its `close` that the client is gone. */
  readonly body: Writable;
  /** False where a chunked body cannot be passed on as such. */
  readonly takesChunked: boolean;
  /** Answers `Expect: 100-continue`, when that was asked. */
  proceed(): void;
  /** Sends an interim response (1xx). */
  interim(status: number, message: string, rawHeaders: readonly string[]): void;
  /** @throws when the head has characters that are not allowed */
  head(status: number, message: string, rawHeaders: readonly string[]): void;
  /** Ends the body. */
  end(trailers: readonly string[]): void;
  /** Sends a small answer of the router itself; the rest of the request's body is read for a moment and dropped. */
  page(status: number, message: string, rawHeaders: readonly string[], html: string): void;
  /** Breaks off, so that the client sees an error and not an end. */
  abort(): void;
  /** Drops what is left of the request's body, so that the connection can serve the next request. */
  release(): void;
}

/** A reply over Node's server. */
export class ServerReply implements Reply {
  readonly body: ServerResponse;
  readonly takesChunked: boolean;
  readonly #request: IncomingMessage;
  readonly #limits: RouterLimits;
  #expectsContinue: boolean;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    limits: RouterLimits,
    expectsContinue: boolean,
  ) {
    this.body = response;
    this.takesChunked = request.httpVersion !== '1.0';
    this.#request = request;
    this.#limits = limits;
    this.#expectsContinue = expectsContinue;
  }

  get started(): boolean {
    return this.body.headersSent;
  }

  proceed(): void {
    if (this.#expectsContinue) this.body.writeContinue();
    this.#expectsContinue = false;
  }

  interim(status: number, message: string, rawHeaders: readonly string[]): void {
    // Only the reply whose turn it is has the socket; a pipelined one goes without.
    if (this.takesChunked && !this.started)
      this.body.socket?.write(headText(status, message, rawHeaders), 'latin1');
  }

  head(status: number, message: string, rawHeaders: readonly string[]): void {
    this.body.writeHead(status, message, [...rawHeaders]);
    // The first bytes of the body usually come in the same turn and then go out in one write with the head.
    setImmediate(() => {
      if (!this.body.writableEnded && !this.body.destroyed) this.body.flushHeaders();
    });
  }

  end(trailers: readonly string[]): void {
    if (trailers.length > 0 && this.takesChunked) this.body.addTrailers(pairs(trailers));
    this.body.end();
  }

  page(status: number, message: string, rawHeaders: readonly string[], html: string): void {
    this.body.writeHead(status, message, [...rawHeaders]);
    this.body.end(html);
    this.release();
  }

  abort(): void {
    this.#request.socket.destroy();
  }

  release(): void {
    if (this.#request.complete) return;
    const { socket } = this.#request;
    this.#request.resume();
    const timer = setTimeout(() => socket.destroy(), this.#limits.lingerMs);
    timer.unref();
    this.#request.once('close', () => {
      clearTimeout(timer);
    });
  }
}

/** A reply over the bare socket of a request that asked for an upgrade; closes the connection behind it. */
export class SocketReply implements Reply {
  started = false;
  readonly body: Duplex;
  readonly takesChunked = false;
  readonly #head: boolean;

  constructor(request: IncomingMessage, socket: Duplex) {
    this.body = socket;
    this.#head = request.method === 'HEAD';
  }

  proceed(): void {
    // A request with a body never comes here.
  }

  interim(): void {
    // Not worth a word before an upgrade.
  }

  head(status: number, message: string, rawHeaders: readonly string[]): void {
    this.started = true;
    const close = status === 101 ? [] : ['Connection', 'close'];
    this.body.write(headText(status, message, [...rawHeaders, ...close]), 'latin1');
  }

  end(): void {
    this.body.end();
  }

  page(status: number, message: string, rawHeaders: readonly string[], html: string): void {
    this.head(status, message, rawHeaders);
    this.body.end(this.#head ? '' : html);
    this.body.resume();
  }

  abort(): void {
    this.body.destroy();
  }

  release(): void {
    // The connection ends anyway.
  }
}

/** A head as bytes (latin1). */
export function headText(status: number, message: string, rawHeaders: readonly string[]): string {
  const lines = pairs(rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${message}\r\n${lines.join('')}\r\n`;
}

function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i] ?? '', raw[i + 1] ?? '']);
  return list;
}
