import { putText } from './latin1.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

/** Bytes that fit: what one read brings, and a head. */
export const OUT_BYTES = 96 * 1024;
/** Most writes are shorter than this. */
const VIEWS = 2048;

/** Whoever puts something in, and can send it before somebody else does. */
export interface OutOwner {
  flush(): void;
}

/** Where what is said in one turn is put together, to leave in one write. Used again once the system has taken all of it. */
export class OutBuffer {
  /** Whose bytes are in it. */
  owner: OutOwner | null = null;
  /** How many bytes are in it. */
  length = 0;
  /** Where they are, for calls of the system; 0 where none are made. */
  address = 0;
  #bytes = Buffer.alloc(0);
  /** The first so many bytes, by their number, made when first needed. */
  #views: (Buffer | undefined)[] = [];

  constructor() {
    this.#takeMemory();
  }

  /** Adds text of at most `OUT_BYTES`, one character for each byte. */
  text(owner: OutOwner, text: string): void {
    const size = text.length;
    this.#makeRoom(owner, size);
    putText(this.#bytes, text, this.length);
    this.length += size;
  }

  /** Adds bytes, at most `OUT_BYTES`. */
  copy(owner: OutOwner, buffer: Buffer, from: number, to: number): void {
    this.#makeRoom(owner, to - from);
    buffer.copy(this.#bytes, this.length, from, to);
    this.length += to - from;
  }

  /** Takes out what is in it. It is overwritten by the next that comes, unless it is left its memory. */
  take(): Buffer {
    const length = this.length;
    this.clear();
    if (length >= VIEWS) return this.#bytes.subarray(0, length);
    return (this.#views[length] ??= this.#bytes.subarray(0, length));
  }

  /** Leaves these bytes their memory, if it is from here. */
  leave(taken: Buffer): void {
    if (taken.buffer === this.#bytes.buffer) this.#takeMemory();
  }

  /** Forgets what is in it. */
  clear(): void {
    this.owner = null;
    this.length = 0;
  }

  #makeRoom(owner: OutOwner, size: number): void {
    if (this.owner === owner && this.length + size <= OUT_BYTES) return;
    this.owner?.flush();
    this.owner = owner;
  }

  #takeMemory(): void {
    this.#bytes = Buffer.allocUnsafeSlow(OUT_BYTES);
    this.#views = new Array<Buffer | undefined>(VIEWS).fill(undefined);
    this.address = SYSTEM_CALLS?.addressOf(this.#bytes) ?? 0;
  }
}
