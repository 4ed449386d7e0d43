import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** A stream that the router serves like a connection of a client. */
export interface ClientStream extends Duplex {
  readonly remoteAddress: string | undefined;
  /** Closes at once in a way that nobody takes for an end. */
  resetAndDestroy(): this;
}

/** What is said on a TLS connection, without the encryption; nothing of the handle below shows. */
export class PlainSide extends Duplex implements ClientStream {
  readonly remoteAddress: string | undefined;
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', () => undefined);
    socket.on('close', () => this.destroy());
  }

  /** Without the notice that TLS ends with, which is how the other side tells a break from an end. */
  resetAndDestroy(): this {
    return this.destroy();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
