import { Socket, type NetConnectOpts, connect } from 'node:net';
import { putText, textOf } from './latin1.ts';

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

/** What a socket has beside its public side; looked for before it is used. */
interface BareSocket extends Socket {
  _handle?: object | null;
  _writeGeneric?: (
    several: boolean,
    data: string | Buffer,
    encoding: 'latin1' | 'buffer',
    done: (error?: Error | null) => void,
  ) => void;
}

/** Bytes that are read with one call of the system; the buffer is shared by all wires, as nobody keeps it over a turn. */
const READ_BYTES = 64 * 1024;
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
/** Up to here bytes travel as text, so that a head and a small body are one string and one write. */
const TEXT_BYTES = 12 * 1024;
/** Larger pieces are put together here, and it is used again once the system has taken all of it. */
const OUT_BYTES = READ_BYTES + 32 * 1024;
let outBuffer: Buffer | null = null;

/**
 * One TCP connection with as little between its owner and the system as Node allows: bytes are read into a shared buffer,
 * and what is said in one turn leaves in one write, past the queue and the callbacks of a stream.
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
  #pending = '';
  #paused = false;
  /** Sizes of the writes that wait, the oldest first. */
  readonly #sizes: number[] = [];
  #writing = false;
  readonly #written: (error?: Error | null) => void;

  private constructor(user: WireUser, make: (onread: OnRead) => BareSocket) {
    this.user = user;
    this.#written = (error) => {
      this.#onWritten(error ?? null);
    };
    this.socket = make({
      buffer: readBuffer,
      callback: (length, buffer) => {
        this.user.onBytes(buffer as Buffer, length);
        return true;
      },
    });
    this.socket.on('end', () => {
      if (!this.destroyed) this.user.onEnd();
    });
    // The close that follows is what counts.
    this.socket.on('error', (error: Error & { code?: string }) => {
      this.errorCode = error.code ?? '';
    });
    this.socket.on('close', () => {
      if (this.destroyed) return;
      this.destroyed = this.broken = true;
      this.user.onClose();
    });
  }

  /** Takes over a connection that a server accepted and that nobody has read from. */
  static accept(accepted: Socket, user: WireUser): Wire {
    const shell = accepted as BareSocket;
    const handle = shell._handle;
    const wire = new Wire(user, (onread) => {
      if (!hasUserBuffer(handle)) return shell;
      // The handle changes hands; the empty shell tells the server that it is gone.
      shell._handle = null;
      shell.destroy();
      return new Socket({ handle, onread } as ConstructorParameters<typeof Socket>[0]);
    });
    if (wire.socket === shell) wire.#readAsStream();
    return wire;
  }

  /** Opens a connection; `onConnect` is called once it is there. */
  static connect(address: { host: string; port: number }, user: WireUser, onConnect: () => void): Wire {
    return new Wire(user, (onread) => {
      const options: NetConnectOpts = { ...address, noDelay: true, onread };
      return connect(options, onConnect);
    });
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
    this.#write(out.subarray(0, total), 'buffer', total);
    // Whatever waits keeps its memory.
    if (this.waiting > 0 && out === outBuffer) outBuffer = null;
  }

  /** Writes what was added. */
  flush(): void {
    if (this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#write(text, 'latin1', text.length);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.destroyed) this.socket.resume();
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

  #write(data: string | Buffer, encoding: 'latin1' | 'buffer', size: number): void {
    if (this.broken) return;
    const socket = this.socket as BareSocket;
    this.#writing = true;
    if (socket._writeGeneric !== undefined) socket._writeGeneric(false, data, encoding, this.#written);
    else if (typeof data === 'string') socket.write(data, 'latin1', this.#written);
    else socket.write(Buffer.from(data), this.#written);
    // Still set: the system did not take all of it at once.
    if (!this.#writing) return;
    this.#writing = false;
    this.#sizes.push(size);
    this.waiting += size;
  }

  #onWritten(error: Error | null): void {
    if (error !== null) this.broken = true;
    if (this.#writing) {
      this.#writing = false;
      return;
    }
    this.waiting -= this.#sizes.shift() ?? 0;
    // After an error reading goes on: the other side may have said something before it stopped listening.
    if (this.waiting === 0 && !this.destroyed) this.user.onDrain();
  }

  #readAsStream(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.user.onBytes(chunk, chunk.length);
    });
  }
}

type OnRead = { buffer: Uint8Array; callback: (length: number, buffer: Uint8Array) => boolean };

function hasUserBuffer(handle: object | null | undefined): handle is object {
  return handle != null && 'useUserBuffer' in handle;
}
