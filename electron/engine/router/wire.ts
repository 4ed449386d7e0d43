import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { putText, textOf } from './latin1.ts';
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
/** Up to here bytes travel as text: a head and a small body are one string. Larger ones would keep the collector busy. */
const TEXT_BYTES = 2 * 1024;
/** Larger pieces are put together here, and it is used again once the system has taken all of it. */
const OUT_BYTES = READ_BYTES + 32 * 1024;
let outBuffer: Buffer | null = null;
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
  #pending = '';
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
    this.#pending += text;
  }

  /** Adds bytes to what the next flush writes; many are written at once. */
  bytes(buffer: Buffer, from: number, to: number): void {
    const size = to - from;
    if (size + this.#pending.length <= TEXT_BYTES) {
      this.#pending += textOf(buffer, from, to);
      return;
    }
    const head = this.#pending;
    this.#pending = '';
    const total = head.length + size;
    const out =
      total <= OUT_BYTES ? (outBuffer ??= Buffer.allocUnsafeSlow(OUT_BYTES)) : Buffer.allocUnsafe(total);
    putText(out, head, 0);
    buffer.copy(out, head.length, from, to);
    this.#writeBytes(out.subarray(0, total));
    // Whatever waits keeps its memory.
    if (this.waiting > 0 && out === outBuffer) outBuffer = null;
  }

  /** Writes what was added. */
  flush(): void {
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#writeText(text);
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
    if (this.destroyed) return;
    this.destroyed = this.broken = true;
    this.#pending = '';
    this.socket.destroy();
  }

  /** Closes at once in a way that nobody takes for an end. */
  reset(): void {
    if (this.destroyed) return;
    this.destroyed = this.broken = true;
    this.#pending = '';
    this.socket.resetAndDestroy();
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

  #writeText(text: string): void {
    if (this.broken) return;
    const handle = this.#handle;
    if (handle === null || RAW_STREAM === null) {
      this.socket.write(text, 'latin1', this.#waitFor(text.length));
      return;
    }
    const request = (spareRequest ??= new RAW_STREAM.WriteWrap());
    this.#asked(handle.writeLatin1String(request, text), text.length, null);
  }

  #writeBytes(bytes: Buffer): void {
    if (this.broken) return;
    const handle = this.#handle;
    if (handle === null || RAW_STREAM === null) {
      this.socket.write(Buffer.from(bytes), this.#waitFor(bytes.length));
      return;
    }
    const request = (spareRequest ??= new RAW_STREAM.WriteWrap());
    this.#asked(handle.writeBuffer(request, bytes), bytes.length, bytes);
  }

  /** Looks at what became of the write that the spare request was used for. */
  #asked(error: number, size: number, bytes: Buffer | null): void {
    if (error !== 0) {
      this.broken = true;
      spareRequest = null;
    } else if (RAW_STREAM?.streamBaseState[RAW_STREAM.kLastWriteWasAsync] !== 0 && spareRequest !== null) {
      const done = this.#waitFor(size);
      spareRequest.buffer = bytes;
      spareRequest.oncomplete = (status) => {
        done(status);
      };
      spareRequest = null;
    }
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
