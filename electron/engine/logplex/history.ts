import { type LogFilter, type LogLine, type LogRecord, matchesFilter } from '#shared/model/log.ts';
import { frameLines } from './frame.ts';
import type { Ring } from './ring.ts';
import type { Segments } from './segments.ts';

/** Which lines of the past are wanted: the newest `lines` that pass the filter, all behind number `after`. */
export interface HistoryQuery {
  readonly filter: LogFilter;
  readonly lines: number;
  /** With this, lines that are missing right behind it count as a gap too. */
  readonly after: number | null;
}

/**
 * Reads the past, in order: from memory as far as that goes, then from disk. Where numbers are missing there is a gap;
 * as nobody knows what the missing lines were, its count does not heed the filter.
 */
export function readHistory(ring: Ring, segments: Segments, query: HistoryQuery): LogRecord[] {
  const past = new Collector(query, ring.nextSeq);
  while (past.wantsMore && past.seen > ring.firstSeq) {
    const line = ring.at(past.seen - 1);
    past.reach(past.seen - 1, line !== undefined && matchesFilter(line, query.filter) ? [line] : []);
  }
  if (past.wantsMore) {
    for (const frame of segments.backward()) {
      if (frame.firstSeq >= past.seen || frame.count === 0) continue;
      past.missingFrom(frame.firstSeq + frame.count);
      past.reach(frame.firstSeq, frameLines(frame, query.filter, past.seen));
      if (!past.wantsMore) break;
    }
  }
  if (query.after !== null) past.missingFrom(query.after + 1);
  return past.newestFirst.reverse();
}

/** Takes records from the newest to the oldest. */
class Collector {
  readonly newestFirst: LogRecord[] = [];
  /** All numbers from this one on are dealt with. */
  seen: number;
  private readonly floor: number;
  private room: number;

  constructor(query: HistoryQuery, nextSeq: number) {
    this.floor = (query.after ?? 0) + 1;
    this.room = query.lines;
    this.seen = nextSeq;
  }

  get wantsMore(): boolean {
    return this.room > 0 && this.seen > this.floor;
  }

  /** All lines from `seq` up to `seen` that pass the filter, in order. */
  reach(seq: number, lines: LogLine[]): void {
    for (const line of lines.reverse()) {
      if (line.seq < this.floor) break;
      this.newestFirst.push(line);
      this.room -= 1;
      if (this.room > 0) continue;
      this.seen = line.seq;
      return;
    }
    this.seen = Math.max(seq, this.floor);
  }

  /** Nothing is known of the lines from `seq` up to `seen`. */
  missingFrom(seq: number): void {
    const from = Math.max(seq, this.floor);
    const count = this.seen - from;
    if (count <= 0) return;
    this.seen = from;
    const last = this.newestFirst.at(-1);
    if (last?.kind === 'gap')
      this.newestFirst[this.newestFirst.length - 1] = { ...last, count: last.count + count };
    else this.newestFirst.push({ kind: 'gap', count, reason: 'dropped' });
  }
}
