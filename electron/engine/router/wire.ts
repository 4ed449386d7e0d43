import { connect, type Socket } from 'node:net';
import { OUT_BYTES, OutBuffer } from './out-buffer.ts';
import { isOpen, RAW_STREAM, type WriteRequest } from './raw-stream.ts';
import { SYSTEM_CALLS } from './system-calls.ts';
import { WireInput, type WireUser } from './wire-input.ts';

/** The other side may be gone: an error, no signal. */
const NO_SIGNAL = 0x4000;
const out = new OutBuffer();
/** Serves every write that does not have to wait, of all wires. */
let spareRequest: WriteRequest | null = null;

/**
 * One TCP connection with as little between its owner and the system as there can be: bytes are read into a shared buffer, and what is
 * said in one turn leaves in one write, past the queues and the callbacks of a stream.
 */
export class Wire extends WireInput {
  /** True once nothing can be written any more. */
  broken = false;
  /** Bytes that the system has not taken yet. */
  waiting = 0;
  /** The system's code of what broke the connection; empty when nothing did. */
  errorCode = '';

  private constructor(user: WireUser, socket: Socket) {
    super(user, socket);
    socket.on('end', () => {
      if (!this.destroyed) this.user.onEnd();
    });
    // The close that follows is what counts.
    socket.on('error', (error: Error & { code?: string }) => {
      this.errorCode = error.code ?? '';
    });
    socket.on('close', () => {
      this.leavePoller(true);
      if (this.destroyed) return;
      this.destroyed = this.broken = true;
      this.user.onClose();
    });
  }

  /** Takes over a connection that a server accepted and that nobody has read from. */
  static accept(accepted: Socket, user: WireUser): Wire {
    const wire = new Wire(user, accepted);
    wire.open();
    return wire;
  }

  /** Opens a connection; `onConnect` is called once it is there. */
  static connect(address: { host: string; port: number }, user: WireUser, onConnect: () => void): Wire {
    const socket = connect({ ...address, noDelay: true });
    const wire = new Wire(user, socket);
    socket.on('connect', () => {
      wire.open();
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
    const sent = this.#send();
    if (sent === out.length) {
      out.clear();
      return;
    }
    const all = out.take();
    const bytes = sent > 0 ? all.subarray(sent) : all;
    // What goes behind something that waits has to wait too, in no more memory than it needs.
    this.#write(this.waiting > 0 ? Buffer.from(bytes) : bytes);
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
    this.leavePoller(true);
    if (out.owner === this) out.clear();
  }

  #writeAlone(bytes: Buffer): void {
    this.flush();
    this.#write(bytes);
  }

  /** Hands what was added to the system, where nothing waits that comes before it; answers how much it took, or -1. */
  #send(): number {
    if (this.polled < 0 || this.waiting > 0 || this.broken || !isOpen(this.socket, this.handle)) return -1;
    return SYSTEM_CALLS?.send(this.polled, out.address, out.length, NO_SIGNAL) ?? -1;
  }

  #write(bytes: Buffer): void {
    if (this.broken) return;
    const handle = this.handle;
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
