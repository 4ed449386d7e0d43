import { type LogFilter, type LogLine, type LogRecord, matchesFilter } from '#shared/model/log.ts';
import type { Ring } from './ring.ts';

type Resolve = (result: IteratorResult<LogRecord, undefined>) => void;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * One reader of an app's log. It has no queue of its own: it walks the app's ring by number. When the ring lets go of
 * lines that it has not read, it counts those it would have got, and hands out a gap in their place.
 */
export class LogReader implements AsyncIterableIterator<LogRecord> {
  private readonly ring: Ring;
  private readonly filter: LogFilter;
  private readonly onDone: (reader: LogReader) => void;
  private readonly waiting: Resolve[] = [];
  private snapshot: readonly LogRecord[];
  private snapshotIndex = 0;
  private position: number;
  private missed = 0;
  private state: 'open' | 'ending' | 'done' = 'open';

  /** @param snapshot handed out before the lines that come from now on */
  constructor(
    ring: Ring,
    filter: LogFilter,
    snapshot: readonly LogRecord[],
    onDone: (reader: LogReader) => void,
  ) {
    this.ring = ring;
    this.filter = filter;
    this.snapshot = snapshot;
    this.position = ring.nextSeq;
    this.onDone = onDone;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<LogRecord, undefined>> {
    if (this.state === 'done') return Promise.resolve(DONE);
    const record = this.take();
    if (record !== undefined) return Promise.resolve({ done: false, value: record });
    if (this.state === 'ending') {
      this.stop();
      return Promise.resolve(DONE);
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  return(): Promise<IteratorResult<LogRecord, undefined>> {
    this.stop();
    return Promise.resolve(DONE);
  }

  /** New lines are in the ring. */
  wake(): void {
    while (this.waiting.length > 0) {
      const record = this.take();
      if (record === undefined) return;
      this.waiting.shift()?.({ done: false, value: record });
    }
  }

  /** The ring lets go of a line. */
  evicted(line: LogLine): void {
    if (line.seq < this.position) return;
    this.position = line.seq + 1;
    if (matchesFilter(line, this.filter)) this.missed += 1;
  }

  /** No more lines will come; what is there can still be read. */
  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    if (this.waiting.length > 0) this.stop();
  }

  /** Ends at once. */
  stop(): void {
    if (this.state === 'done') return;
    this.state = 'done';
    this.snapshot = [];
    this.onDone(this);
    for (const resolve of this.waiting.splice(0)) resolve(DONE);
  }

  private take(): LogRecord | undefined {
    const kept = this.snapshot[this.snapshotIndex];
    if (kept !== undefined) {
      this.snapshotIndex += 1;
      return kept;
    }
    if (this.snapshotIndex > 0) {
      this.snapshot = [];
      this.snapshotIndex = 0;
    }
    if (this.missed > 0) {
      const count = this.missed;
      this.missed = 0;
      return { kind: 'gap', count, reason: 'slow' };
    }
    while (this.position < this.ring.nextSeq) {
      const line = this.ring.at(this.position);
      this.position += 1;
      if (line !== undefined && matchesFilter(line, this.filter)) return line;
    }
    return undefined;
  }
}
