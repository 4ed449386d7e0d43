import { Transform, type TransformCallback } from 'node:stream';

const BLOCK = 512;
/** Small enough to keep memory low, large enough that the compressor is not busy with hand-overs. */
const PIECE = 512 * 1024;

/**
 * Passes a tar on without the zero blocks at its end, so that another tar can follow it, in pieces of half a
 * megabyte. Reads tars as GNU tar and bsdtar write them in the gnu format.
 */
export class TarBody extends Transform {
  /** Bytes of the current entry's content that are still to come. */
  private content = 0;
  private header: Buffer = Buffer.alloc(0);
  private ended = false;
  private pieces: Buffer[] = [];
  private held = 0;

  constructor() {
    super({ highWaterMark: 2 * PIECE });
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    let start = 0;
    let at = 0;
    while (at < chunk.length && !this.ended) {
      if (this.content > 0) {
        const step = Math.min(this.content, chunk.length - at);
        this.content -= step;
        at += step;
        continue;
      }
      this.hold(chunk.subarray(start, at));
      const taken = Math.min(BLOCK - this.header.length, chunk.length - at);
      this.header = Buffer.concat([this.header, chunk.subarray(at, at + taken)]);
      at += taken;
      start = at;
      if (this.header.length === BLOCK) this.readHeader();
    }
    if (!this.ended) this.hold(chunk.subarray(start, at));
    if (this.held >= PIECE) this.release();
    done();
  }

  override _flush(done: TransformCallback): void {
    this.release();
    done(this.ended ? null : new Error('the tar ended in the middle of an entry'));
  }

  private readHeader(): void {
    if (this.header[0] === 0) {
      this.ended = true;
      return;
    }
    this.content = Math.ceil(sizeIn(this.header) / BLOCK) * BLOCK;
    this.hold(this.header);
    this.header = Buffer.alloc(0);
  }

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.pieces.push(bytes);
    this.held += bytes.length;
  }

  private release(): void {
    if (this.held > 0) this.push(Buffer.concat(this.pieces, this.held));
    this.pieces = [];
    this.held = 0;
  }
}

/** The two zero blocks that end a tar. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** Size of an entry's content: octal digits, or a binary number when it is too large for them. */
function sizeIn(header: Buffer): number {
  if (((header[124] ?? 0) & 0x80) !== 0) return Number(header.readBigUInt64BE(128));
  return Number.parseInt(header.toString('latin1', 124, 136).replace(/[\0 ].*$/, '') || '0', 8);
}
