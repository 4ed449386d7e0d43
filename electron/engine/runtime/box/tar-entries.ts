import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TreeEntry } from './scan-tree.ts';

const BLOCK = 512;
/** Raw bytes that are handed to the compressor at a time. */
const PIECE = 2 * 1024 * 1024;
/** Files up to this size are read at once: the calls to and fro would take longer than the reading. */
const SMALL = 32 * 1024;
/**
 * Longest time that the event loop is kept from others by reading small files, in milliseconds. As long waits the
 * compressor of the other part for its next piece.
 */
const SLICE = 1;
/** Largest size that fits the octal digits of a header. */
const OCTAL_SIZE = 0o77777777777;

/** The two zero blocks that end a tar. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/**
 * Entries of a folder as tar in the gnu format, without the end: names below `./app`, owner 1000:1000. The same
 * as GNU tar writes, but without a pipe, a process and three copies of each byte in between.
 * A file that became shorter since it was listed is filled up with zeros, as tar does. A piece stays valid until the
 * second one after it is asked for: the same two buffers are used over and over.
 * @param folder where the entries' paths begin
 * @throws Error of the file system when a file cannot be read
 */
export async function* tarEntries(
  folder: string,
  entries: readonly TreeEntry[],
): AsyncGenerator<Buffer, void, void> {
  const root = Buffer.from(folder);
  const pieces = new Pieces();
  let sliceEnd = performance.now() + SLICE;
  for (const entry of entries) {
    const size = entry.type === 'f' ? entry.size : 0;
    if (!pieces.fits(8 * BLOCK + 2 * (entry.path.length + entry.link.length))) yield pieces.take();
    pieces.addHeaders(entry, size);
    if (size === 0) continue;
    const path = Buffer.concat([root, Buffer.from(entry.path.slice(1), 'latin1')]);
    if (size > SMALL) yield* largeFile(path, size, pieces);
    else {
      if (!pieces.fits(padded(size))) yield pieces.take();
      pieces.addSmallFile(path, size);
    }
    if (performance.now() > sliceEnd) {
      await nextTurn();
      sliceEnd = performance.now() + SLICE;
    }
  }
  yield pieces.take();
}

async function* largeFile(path: Buffer, size: number, pieces: Pieces): AsyncGenerator<Buffer, void, void> {
  await using file = await open(path, 'r');
  for (let at = 0; at < size; ) {
    if (!pieces.fits(BLOCK)) yield pieces.take();
    at += await pieces.addStretch(file, at, size - at);
  }
}

/** Two buffers, one of which is being filled with tar. */
class Pieces {
  private buffer = Buffer.allocUnsafeSlow(PIECE);
  private other = Buffer.allocUnsafeSlow(PIECE);
  private end = 0;

  fits(bytes: number): boolean {
    return this.end + bytes <= PIECE;
  }

  /** What was filled so far; the other buffer is next. */
  take(): Buffer {
    const filled = this.buffer.subarray(0, this.end);
    [this.buffer, this.other] = [this.other, this.buffer];
    this.end = 0;
    return filled;
  }

  /** Adds as much of a file as there is room for, and answers how much that was. */
  async addStretch(file: FileHandle, at: number, left: number): Promise<number> {
    const length = Math.min(PIECE - this.end, left);
    const { bytesRead } = await file.read(this.buffer, this.end, length, at);
    const room = length === left ? padded(length) : length;
    this.buffer.fill(0, this.end + bytesRead, this.end + room);
    this.end += room;
    return length;
  }

  addHeaders(entry: TreeEntry, size: number): void {
    const folder = entry.type === 'd' ? '/' : '';
    const name = `./app${entry.path.slice(1)}${folder}`;
    if (entry.link.length > 100) this.addLong('K', entry.link);
    if (name.length > 100) this.addLong('L', name);
    const type = entry.type === 'd' ? '5' : entry.type === 'l' ? '2' : '0';
    this.addHeader({
      name,
      type,
      size,
      link: entry.link,
      mode: entry.mode,
      seconds: secondsOf(entry.modified),
    });
  }

  addSmallFile(path: Buffer, size: number): void {
    const file = openSync(path, 'r');
    try {
      const read = readSync(file, this.buffer, this.end, size, 0);
      this.buffer.fill(0, this.end + read, this.end + padded(size));
      this.end += padded(size);
    } finally {
      closeSync(file);
    }
  }

  /** A name that is too long for a header comes before it as the content of an entry of its own. */
  private addLong(type: 'K' | 'L', name: string): void {
    const size = name.length + 1;
    this.addHeader({ name: '././@LongLink', type, size, link: '', mode: 0o644, seconds: 0 });
    this.buffer.fill(0, this.end, this.end + padded(size));
    this.buffer.write(name, this.end, 'latin1');
    this.end += padded(size);
  }

  private addHeader(header: HeaderFields): void {
    const { buffer } = this;
    const at = this.end;
    this.end += BLOCK;
    buffer.fill(0, at, at + BLOCK);
    buffer.write(header.name.slice(0, 100), at, 'latin1');
    buffer.write(octal(header.mode, 7), at + 100, 'latin1');
    buffer.write('0001750\x000001750\0', at + 108, 'latin1');
    if (header.size <= OCTAL_SIZE) buffer.write(octal(header.size, 11), at + 124, 'latin1');
    else {
      buffer[at + 124] = 0x80;
      buffer.writeBigUInt64BE(BigInt(header.size), at + 128);
    }
    buffer.write(octal(header.seconds, 11), at + 136, 'latin1');
    buffer.write(`        ${header.type}`, at + 148, 'latin1');
    buffer.write(header.link.slice(0, 100), at + 157, 'latin1');
    buffer.write('ustar  \0', at + 257, 'latin1');
    let sum = 0;
    for (let index = at; index < at + 265; index += 1) sum += buffer[index] ?? 0;
    buffer.write(`${octal(sum, 6)}\0 `, at + 148, 'latin1');
  }
}

interface HeaderFields {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly link: string;
  readonly mode: number;
  readonly seconds: number;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Whole seconds of a time as `scanTree` gives it; a time that a header cannot hold is the epoch. */
function secondsOf(modified: string): number {
  const seconds = Math.floor(Number(modified));
  return seconds >= 0 && seconds <= OCTAL_SIZE ? seconds : 0;
}
