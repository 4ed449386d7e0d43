import type { LogLine } from '#shared/model/log.ts';

/** About what a line costs in memory besides its text, in bytes. */
const LINE_OVERHEAD = 120;
const NONE: LogLine = { kind: 'line', seq: 1, at: 0, source: 'app', ps: '', stream: 'stdout', text: '' };

/** The newest lines of an app, with consecutive numbers, in memory. */
export class Ring {
  private lines: LogLine[] = [];
  private head = 0;
  private bytes = 0;
  private next: number;

  /** @param nextSeq number of the line that comes next */
  constructor(nextSeq: number) {
    this.next = nextSeq;
  }

  /** Number of the oldest line; of the next line when there is none. */
  get firstSeq(): number {
    return this.next - (this.lines.length - this.head);
  }

  /** Number of the line that comes next. */
  get nextSeq(): number {
    return this.next;
  }

  /** The line with a number from `firstSeq` up to `nextSeq`. */
  at(seq: number): LogLine | undefined {
    const index = this.head + seq - this.firstSeq;
    return index < this.head ? undefined : this.lines[index];
  }

  /** The lines from a number on, as far as they are kept. */
  from(seq: number): LogLine[] {
    return this.lines.slice(this.head + Math.max(0, seq - this.firstSeq));
  }

  push(line: LogLine): void {
    this.lines.push(line);
    this.bytes += line.text.length + LINE_OVERHEAD;
    this.next += 1;
  }

  /** Lets the oldest lines go until both limits hold. */
  trim(maxLines: number, maxBytes: number, onEvict: (line: LogLine) => void): void {
    while (this.lines.length - this.head > maxLines || this.bytes > maxBytes) {
      const line = this.lines[this.head];
      if (line === undefined) break;
      this.lines[this.head] = NONE;
      this.head += 1;
      this.bytes -= line.text.length + LINE_OVERHEAD;
      onEvict(line);
    }
    if (this.head > 256 && this.head * 2 > this.lines.length) {
      this.lines = this.lines.slice(this.head);
      this.head = 0;
    }
  }
}
