import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { OUT_BYTES, OutBuffer } from './out-buffer.ts';
import { RAW_STREAM, type RawHandle, rawHandleOf, type WriteRequest } from './raw-stream.ts';

/** Who uses a wire. Replaced when a connection changes hands. */
export interface WireUser {
  /** Bytes came in; they are only valid during the call. */
  onBytes(buffer: Buffer, length: number): void;
  /** The other side says nothing more. */
  onEnd(): void;
  /** The connection is gone. Not told after `destroy`. */
  onClose(): void;
  /** All that was written has been handed to the system, after some of it had to wait. */
  onDrain(): void;
}

/** Bytes that are read with one call of the system; the buffer is shared by all wires, as nobody keeps it over a turn. */
const READ_BYTES = 64 * 1024;
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
const out = new OutBuffer();
/** Serves every write that does not have to wait, of all wires. */
let spareRequest: WriteRequest | null = null;

/**
 * One TCP connection with as little between its owner and the system as Node allows: bytes are read into a shared buffer,
 * and what is said in one turn leaves in one write, past the queues and the callbacks of a stream.
 */
export class Wire {
  user: WireUser;
  /** True once nothing can be written any more. */
  broken = false;
  destroyed = false;
  /** Bytes that the system has not taken yet. */
  waiting = 0;
  /** The system's code of what broke the connection; empty when nothing did. */
  errorCode = '';
  readonly socket: Socket;
  /** Null while there is no connection, and where only the public way is left. */
  #handle: RawHandle | null = null;
  #paused = false;

  private constructor(user: WireUser, socket: Socket) {
    this.user = user;
    this.socket = socket;
    socket.on('end', () => {
      if (!this.destroyed) this.user.onEnd();
    });
    // The close that follows is what counts.
    socket.on('error', (error: Error & { code?: string }) => {
      this.errorCode = error.code ?? '';
    });
    socket.on('close', () => {
      if (this.destroyed) return;
      this.destroyed = this.broken = true;
      this.user.onClose();
    });
  }

  /** Takes over a connection that a server accepted and that nobody has read from. */
  static accept(accepted: Socket, user: WireUser): Wire {
    const wire = new Wire(user, accepted);
    wire.#open();
    return wire;
  }

  /** Opens a connection; `onConnect` is called once it is there. */
  static connect(address: { host: string; port: number }, user: WireUser, onConnect: () => void): Wire {
    const socket = connect({ ...address, noDelay: true });
    const wire = new Wire(user, socket);
    socket.on('connect', () => {
      wire.#open();
      onConnect();
    });
    return wire;
  }

  get remoteAddress(): string {
    return this.socket.remoteAddress ?? '';
  }

  /** Adds text, one character for each byte, to what the next flush writes. */
  text(text: string): void {
    if (text.length <= OUT_BYTES) out.text(this, text);
    else this.#writeAlone(Buffer.from(text, 'latin1'));
  }

  /** Adds bytes to what the next flush writes. */
  bytes(buffer: Buffer, from: number, to: number): void {
    if (to - from <= OUT_BYTES) out.copy(this, buffer, from, to);
    else this.#writeAlone(Buffer.from(buffer.subarray(from, to)));
  }

  /** Writes what was added. */
  flush(): void {
    if (out.owner !== this) return;
    const bytes = out.take();
    // What goes behind something that waits has to wait too, in no more memory than it needs.
    this.#write(this.waiting > 0 ? Buffer.from(bytes) : bytes);
  }

  pause(): void {
    if (this.#paused || this.destroyed) return;
    this.#paused = true;
    if (this.#handle === null) this.socket.pause();
    else {
      this.#handle.reading = false;
      this.#handle.readStop();
    }
  }

  resume(): void {
    if (!this.#paused || this.destroyed) return;
    this.#paused = false;
    this.#read();
  }

  /** Writes what was added and says nothing more. */
  end(): void {
    this.flush();
    if (!this.destroyed) this.socket.end();
  }

  /** Closes at once; what waits is lost. */
  destroy(): void {
    if (!this.destroyed) {
      this.#forget();
      this.socket.destroy();
    }
  }

  /** Closes at once in a way that nobody takes for an end. */
  reset(): void {
    if (!this.destroyed) {
      this.#forget();
      this.socket.resetAndDestroy();
    }
  }

  #forget(): void {
    this.destroyed = this.broken = true;
    if (out.owner === this) out.clear();
  }

  #writeAlone(bytes: Buffer): void {
    this.flush();
    this.#write(bytes);
  }

  /** The connection is there: takes the stream's place at its handle. */
  #open(): void {
    const handle = rawHandleOf(this.socket);
    if (handle === null || RAW_STREAM === null) {
      this.socket.on('data', (chunk: Buffer) => {
        this.user.onBytes(chunk, chunk.length);
      });
    } else {
      const { streamBaseState: state, kReadBytesOrError: index } = RAW_STREAM;
      const other = handle.onread;
      handle.useUserBuffer(readBuffer);
      handle.onread = (bytes) => {
        const length = state[index] ?? 0;
        if (length > 0) this.user.onBytes(readBuffer, length);
        // Ends and errors stay with the socket.
        else other.call(handle, bytes);
      };
      this.#handle = handle;
    }
    this.#read();
  }

  #read(): void {
    const handle = this.#handle;
    if (handle === null) this.socket.resume();
    else if (!handle.reading) {
      handle.reading = true;
      handle.readStart();
    }
  }

  #write(bytes: Buffer): void {
    if (this.broken) return;
    const handle = this.#handle;
    if (handle === null || RAW_STREAM === null) {
      this.socket.write(Buffer.from(bytes), this.#waitFor(bytes.length));
      return;
    }
    const request = (spareRequest ??= new RAW_STREAM.WriteWrap());
    if (handle.writeBuffer(request, bytes) !== 0) {
      this.broken = true;
      spareRequest = null;
    } else if (RAW_STREAM.streamBaseState[RAW_STREAM.kLastWriteWasAsync] !== 0) this.#onWaits(request, bytes);
  }

  /** The system has not taken all of it yet. */
  #onWaits(request: WriteRequest, bytes: Buffer): void {
    const done = this.#waitFor(bytes.length);
    request.buffer = bytes;
    request.oncomplete = (status) => {
      done(status);
    };
    spareRequest = null;
    out.leave(bytes);
  }

  /** Counts a write that the system did not take at once; the answer is called when that is over. */
  #waitFor(size: number): (error?: number | Error | null) => void {
    this.waiting += size;
    return (error) => {
      if (typeof error === 'number' ? error < 0 : error != null) this.broken = true;
      this.waiting -= size;
      // After an error reading goes on: the other side may have said something before it stopped listening.
      if (this.waiting === 0 && !this.destroyed) this.user.onDrain();
    };
  }
}
