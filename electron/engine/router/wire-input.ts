import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { POLLER, type Reader } from './poller.ts';
import { descriptorOf, isOpen, RAW_STREAM, type RawHandle, rawHandleOf } from './raw-stream.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

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
const readAddress = SYSTEM_CALLS?.addressOf(readBuffer) ?? 0;
/** Reads in a row of a connection that has much to say, before others have their turn. */
const READS = 4;
/** The system's number of what is no error: there is nothing to read. */
const TRY_AGAIN = 11;

/**
 * How a wire reads, in one of three ways. Where there is a poller, it tells when bytes come and a call of the system takes them; the end
 * and errors are Node's to find out. Elsewhere Node's handle reads, and where that is not within reach, its stream.
 */
export abstract class WireInput implements Reader {
  user: WireUser;
  destroyed = false;
  readonly socket: Socket;
  /** Null while there is no connection, and where only the stream is left. */
  protected handle: RawHandle | null = null;
  /** The descriptor as long as the poller tells of it, else -1. */
  protected polled = -1;
  /** The poller has told of more than was read. */
  #ready = false;
  #paused = false;

  protected constructor(user: WireUser, socket: Socket) {
    this.user = user;
    this.socket = socket;
  }

  pause(): void {
    if (this.#paused || this.destroyed) return;
    this.#paused = true;
    if (this.handle === null) this.socket.pause();
    else if (this.polled < 0) {
      this.handle.reading = false;
      this.handle.readStop();
    }
  }

  resume(): void {
    if (!this.#paused || this.destroyed) return;
    this.#paused = false;
    this.#read();
  }

  onReadable(): void {
    this.#ready = true;
    for (let reads = 0; this.#ready && !this.#paused && this.polled >= 0; reads++) {
      if (reads === READS) {
        POLLER?.again(this);
        return;
      }
      if (!isOpen(this.socket, this.handle)) return;
      const length = SYSTEM_CALLS?.receive(this.polled, readAddress, READ_BYTES, 0) ?? 0;
      this.#ready = length === READ_BYTES;
      if (length > 0) this.user.onBytes(readBuffer, length);
      else if (length === 0) this.onOver();
      else this.#onReadError();
    }
  }

  /** Node reads from here on: what is left, and then it tells an end from an error. */
  onOver(): void {
    this.leavePoller(false);
    const { handle } = this;
    if (handle === null || !isOpen(this.socket, handle)) return;
    this.#readByHandle(handle);
    if (!this.#paused) this.#read();
  }

  /** The connection is there: takes the stream's place at it. */
  protected open(): void {
    const handle = rawHandleOf(this.socket);
    this.handle = handle;
    if (handle === null) {
      this.socket.on('data', (chunk: Buffer) => {
        this.user.onBytes(chunk, chunk.length);
      });
    } else if (this.#openPolled(handle)) return;
    else this.#readByHandle(handle);
    this.#read();
  }

  /** @param closes the descriptor is closed, now or already */
  protected leavePoller(closes: boolean): void {
    if (this.polled < 0) return;
    POLLER?.remove(this.polled, this, closes);
    this.polled = -1;
  }

  /** Answers false where there is no poller, or none for this connection. */
  #openPolled(handle: RawHandle): boolean {
    const descriptor = POLLER === null ? -1 : descriptorOf(handle);
    if (descriptor < 0 || POLLER?.add(descriptor, this) !== true) return false;
    this.polled = descriptor;
    // Node begins to read a connection that it has made, unless that pauses.
    this.socket.pause();
    return true;
  }

  #readByHandle(handle: RawHandle): void {
    if (RAW_STREAM === null) return;
    const { streamBaseState: state, kReadBytesOrError: index } = RAW_STREAM;
    const other = handle.onread;
    handle.useUserBuffer(readBuffer);
    handle.onread = (bytes) => {
      const length = state[index] ?? 0;
      if (length > 0) this.user.onBytes(readBuffer, length);
      // Ends and errors stay with the socket.
      else other.call(handle, bytes);
    };
  }

  #read(): void {
    const { handle } = this;
    if (this.polled >= 0) {
      if (this.#ready) POLLER?.again(this);
    } else if (handle === null) this.socket.resume();
    else if (!handle.reading) {
      handle.reading = true;
      handle.readStart();
    }
  }

  #onReadError(): void {
    const error = SYSTEM_CALLS?.errno() ?? 0;
    if (error === TRY_AGAIN) return;
    const code = getSystemErrorName(-error);
    this.socket.destroy(Object.assign(new Error(`the connection cannot be read (${code})`), { code }));
  }
}
