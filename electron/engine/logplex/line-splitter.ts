import { endOfPiece, MAX_LINE_BYTES, textPieces, unfinishedBytes } from './utf8.ts';

/** One line, or one piece of a line that is over the limit. */
export interface SplitLine {
  /** When its first byte came, microseconds since the epoch. */
  readonly at: number;
  /** Without its line end. */
  readonly text: string;
}

interface Part {
  readonly bytes: Buffer;
  readonly at: number;
}

const LF = 10;
const CR = 13;
/** Behind this many bytes without a line end, a first piece is certain: a CR and an unfinished character may still turn out to be no text. */
const CERTAINLY_LONG = MAX_LINE_BYTES + 4;

/**
 * Makes lines of the bytes that one stream of one process writes, however they are cut into chunks.
 * - Lines end with LF or CR LF. A lone CR stays in the text, and so does NUL: what a process wrote is not ours to change.
 * - Bytes that are not UTF-8 become U+FFFD; characters may be spread over chunks.
 * - Lines over 10 000 bytes of UTF-8 come as pieces, cut between characters (reference: heroku-platform 5.1).
 *
 * It has no timer: its owner calls `flush` when a line without an end (a prompt) has waited for long enough.
 */
export class LineSplitter {
  private held: Part[] = [];
  private heldBytes = 0;
  private openLine: boolean;

  /** @param midLine what `midLine` said where the bytes before ended */
  constructor(midLine = false) {
    this.openLine = midLine;
  }

  /** Bytes that have come and are in no line yet. */
  get pending(): number {
    return this.heldBytes;
  }

  /** True when `flush` has handed out the beginning of the line to which the pending bytes belong. */
  get midLine(): boolean {
    return this.openLine;
  }

  /** Takes the next bytes, which may be changed by others afterwards, and gives the lines that they complete. */
  push(bytes: Buffer, at: number): SplitLine[] {
    const lines: SplitLine[] = [];
    let from = 0;
    if (this.heldBytes > 0 || this.openLine) {
      const end = bytes.indexOf(LF);
      this.hold(end < 0 ? bytes : bytes.subarray(0, end), at);
      if (end < 0) {
        this.takeCertain(lines);
        return lines;
      }
      this.takeLine(lines);
      from = end + 1;
    }
    const last = bytes.lastIndexOf(LF);
    if (last >= from) {
      for (const line of bytes.toString('utf8', from, last).split('\n')) {
        const text = line.endsWith('\r') ? line.slice(0, -1) : line;
        for (const piece of textPieces(text)) lines.push({ at, text: piece });
      }
      from = last + 1;
    }
    this.hold(bytes.subarray(from), at);
    this.takeCertain(lines);
    return lines;
  }

  /**
   * Gives what is pending although its line has not ended, but for the bytes of an unfinished character.
   * When the line then ends with nothing more in it, no empty line follows.
   */
  flush(): SplitLine[] {
    const raw = this.raw();
    return this.takeOpen(raw, raw.length - unfinishedBytes(raw));
  }

  /** Gives all that is pending; nothing more will come. */
  end(): SplitLine[] {
    return this.takeOpen(this.raw(), this.heldBytes);
  }

  private takeOpen(raw: Buffer, to: number): SplitLine[] {
    const lines: SplitLine[] = [];
    if (to === 0) return lines;
    this.takePieces(lines, raw, to, to);
    this.drop(to);
    this.openLine = true;
    return lines;
  }

  private takeLine(lines: SplitLine[]): void {
    const raw = this.raw();
    const to = raw.at(-1) === CR ? raw.length - 1 : raw.length;
    if (to > 0) this.takePieces(lines, raw, to, to);
    else if (!this.openLine) lines.push({ at: this.timeAt(0), text: '' });
    this.drop(raw.length);
    this.openLine = false;
  }

  private takeCertain(lines: SplitLine[]): void {
    if (this.heldBytes <= CERTAINLY_LONG) return;
    const raw = this.raw();
    this.drop(this.takePieces(lines, raw, raw.length, raw.length - CERTAINLY_LONG));
  }

  /** Takes pieces of `raw[0, to)` as long as they begin before `until`. @returns where the last one ended */
  private takePieces(lines: SplitLine[], raw: Buffer, to: number, until: number): number {
    let from = 0;
    while (from < until) {
      const end = endOfPiece(raw, from, to);
      lines.push({ at: this.timeAt(from), text: raw.toString('utf8', from, end) });
      from = end;
    }
    return from;
  }

  private hold(bytes: Buffer, at: number): void {
    if (bytes.length === 0) return;
    this.held.push({ bytes: Buffer.from(bytes), at });
    this.heldBytes += bytes.length;
  }

  private raw(): Buffer {
    const [only] = this.held;
    return this.held.length === 1 && only !== undefined
      ? only.bytes
      : Buffer.concat(this.held.map((part) => part.bytes));
  }

  private timeAt(offset: number): number {
    let end = 0;
    for (const part of this.held) {
      end += part.bytes.length;
      if (offset < end) return part.at;
    }
    return this.held.at(-1)?.at ?? 0;
  }

  private drop(count: number): void {
    this.heldBytes -= count;
    let left = count;
    while (left > 0) {
      const first = this.held.shift();
      if (first === undefined) return;
      if (first.bytes.length > left) this.held.unshift({ bytes: first.bytes.subarray(left), at: first.at });
      left -= Math.min(left, first.bytes.length);
    }
  }
}
