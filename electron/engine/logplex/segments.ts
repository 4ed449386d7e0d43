import {
  close,
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Frame, frameCursors, readFrames } from './frame.ts';

/** How large a segment gets before the next one is begun, in bytes, and how many are kept. */
export interface SegmentLimits {
  readonly segmentBytes: number;
  readonly segments: number;
}

/** What the files of an app say about its past. */
export interface Recovered {
  /** Number of the next line. */
  readonly nextSeq: number;
  readonly cursors: Map<string, string>;
}

const HEAD_MAGIC = Buffer.from([0xff, 0x53, 0x4c, 0x48, 0, 0, 0, 1]);
const HEAD = 16;
const NAME = /^(\d{8})\.log$/;

/**
 * The log of one app on disk: files of frames, the oldest removed when there are too many. A file begins with 16 bytes:
 * magic, and a number up to which line numbers may be used up although their lines could not be stored.
 * All writes go to the page cache at once, so they outlive a kill -9 of the engine.
 */
export class Segments {
  private readonly folder: string;
  private readonly limits: SegmentLimits;
  private readonly syncing = new Set<Promise<void>>();
  private ids: number[] = [];
  private file: number | null = null;
  private size = 0;
  private hasFrames = false;

  constructor(folder: string, limits: SegmentLimits) {
    this.folder = folder;
    this.limits = limits;
  }

  /** Finds the end of the log; cuts off what a write left that did not complete. Makes no file. */
  recover(): Recovered {
    this.ids = this.list();
    let reserved = 0;
    for (const id of [...this.ids].reverse()) {
      const data = readFileSync(this.path(id));
      if (!isSegment(data)) continue;
      reserved = Math.max(reserved, data.readDoubleLE(HEAD_MAGIC.length));
      const frames = readFrames(data, HEAD);
      const last = frames.at(-1);
      if (last === undefined) continue;
      if (id === this.ids.at(-1)) this.reopen(id, last.end);
      return { nextSeq: Math.max(last.firstSeq + last.count, reserved + 1), cursors: cursorsOf(frames) };
    }
    return { nextSeq: reserved + 1, cursors: new Map() };
  }

  /** True when the next frame begins a file; it has to hold all cursors then, as files before it are not read for them. */
  get beginsFile(): boolean {
    return this.file === null || !this.hasFrames || this.size >= this.limits.segmentBytes;
  }

  /** Writes a frame. @throws Error when it could not be written whole; nothing of it counts then */
  write(frame: Buffer): void {
    const full = this.size >= this.limits.segmentBytes;
    writeWhole(this.file === null || full ? this.beginFile() : this.file, frame, this.size);
    this.size += frame.length;
    this.hasFrames = true;
  }

  /** Notes in place that numbers up to `seq` may be in use; needs no space on the disk. 0 takes it back. */
  reserve(seq: number): void {
    if (this.file === null) return;
    writeWhole(this.file, doubleOf(seq), HEAD_MAGIC.length);
  }

  /** Whole frames, the newest first. Files that cannot be read are passed over. */
  *backward(): Generator<Frame> {
    for (const id of [...this.ids].reverse()) {
      let data: Buffer;
      try {
        data = readFileSync(this.path(id));
      } catch {
        continue;
      }
      if (isSegment(data)) yield* readFrames(data, HEAD).reverse();
    }
  }

  /** Waits until all that was written is on the disk. */
  async sync(): Promise<void> {
    if (this.file !== null) fsyncSync(this.file);
    await Promise.all(this.syncing);
  }

  /** Syncs and lets go of the files. */
  async close(): Promise<void> {
    if (this.file !== null) this.retire(this.file);
    this.file = null;
    await Promise.all(this.syncing);
  }

  /** Removes all files. */
  async remove(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
    this.ids = [];
  }

  private beginFile(): number {
    mkdirSync(this.folder, { recursive: true });
    const id = (this.ids.at(-1) ?? 0) + 1;
    const file = openSync(this.path(id), 'w', 0o600);
    try {
      writeWhole(file, Buffer.concat([HEAD_MAGIC, doubleOf(0)]), 0);
    } catch (error) {
      closeSync(file);
      rmSync(this.path(id), { force: true });
      throw error;
    }
    if (this.file !== null) this.retire(this.file);
    this.file = file;
    this.size = HEAD;
    this.hasFrames = false;
    this.ids.push(id);
    for (const old of this.ids.splice(0, Math.max(0, this.ids.length - this.limits.segments))) {
      rmSync(this.path(old), { force: true });
    }
    return file;
  }

  private reopen(id: number, end: number): void {
    this.file = openSync(this.path(id), 'r+');
    if (fstatSync(this.file).size > end) ftruncateSync(this.file, end);
    this.size = end;
    this.hasFrames = true;
  }

  private retire(file: number): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.syncing.add(promise);
    fsync(file, () => {
      close(file, () => {
        this.syncing.delete(promise);
        resolve();
      });
    });
  }

  private list(): number[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
    return names
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  private path(id: number): string {
    return join(this.folder, `${String(id).padStart(8, '0')}.log`);
  }
}

function isSegment(data: Buffer): boolean {
  return data.length >= HEAD && data.subarray(0, HEAD_MAGIC.length).equals(HEAD_MAGIC);
}

function doubleOf(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function cursorsOf(frames: readonly Frame[]): Map<string, string> {
  const cursors = new Map<string, string>();
  for (const frame of frames) {
    for (const [dynoId, position] of frameCursors(frame)) {
      if (position === null) cursors.delete(dynoId);
      else cursors.set(dynoId, position);
    }
  }
  return cursors;
}

function writeWhole(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
}
