import type { OutputPosition } from '../runtime.ts';

/** A moment with nanoseconds. */
export interface Moment {
  readonly seconds: number;
  readonly nanos: number;
}

interface Mark extends Moment {
  /** Messages of this very moment that were read; pieces of one long line share a moment. */
  readonly count: number;
}

type Stream = 'stdout' | 'stderr';

/** Resuming reads again from so many seconds before the position: messages of the two streams are not in strict order of time. */
const OVERLAP_SECONDS = 5;

/** Messages and seconds after which the older half of the moments that were read is forgotten. */
const RECENT_COUNT = 262_144;
const RECENT_SECONDS = 60;

/** Moments of the messages that were read last. */
class RecentMoments {
  private older: number[] = [];
  private newer: number[] = [];
  private since = 0;

  add(at: Moment): void {
    if (this.newer.length >= RECENT_COUNT || at.seconds - this.since > RECENT_SECONDS) {
      this.older = this.newer;
      this.newer = [];
      this.since = at.seconds;
    }
    this.newer.push(asNumber(at));
  }

  has(at: Moment): boolean {
    const number = asNumber(at);
    return this.newer.includes(number) || this.older.includes(number);
  }
}

/** Nanoseconds, exact, that begin anew every hour or so. */
function asNumber({ seconds, nanos }: Moment): number {
  return (seconds % 4096) * 1_000_000_000 + nanos;
}

/**
 * Where a reader stands in a container's log: for each stream, the last message's time and how many of that very time
 * there were. Within a stream times go back only when the clock is set, and when the daemon, which has begun a new file, sends
 * again what it has sent of that already.
 */
export class LogPosition {
  private readonly marks: Record<Stream, Mark | null>;
  private readonly skip: Record<Stream, Mark | null>;
  private readonly seen: Record<Stream, Mark | null> = { stdout: null, stderr: null };
  private readonly recent = { stdout: new RecentMoments(), stderr: new RecentMoments() };

  constructor(after: OutputPosition | undefined) {
    const [stdout, stderr] = (after ?? '').split(',');
    this.marks = { stdout: parseMark(stdout), stderr: parseMark(stderr) };
    this.skip = { ...this.marks };
  }

  /** The log starts to be read again, from `since` on. */
  restart(): void {
    Object.assign(this.skip, this.marks);
    Object.assign(this.seen, { stdout: null, stderr: null });
  }

  /** Whole seconds since the epoch from which the log has to be read; 0 is its start. */
  since(): number {
    const times = [this.marks.stdout, this.marks.stderr].flatMap((mark) => (mark ? [mark.seconds] : []));
    return times.length === 0 ? 0 : Math.max(0, Math.min(...times) - OVERLAP_SECONDS);
  }

  /** Takes note of a message. @returns false when it was read before */
  advance(stream: Stream, at: Moment): boolean {
    const last = this.seen[stream];
    if (last && isBefore(at, last) && this.recent[stream].has(at)) this.skip[stream] = this.marks[stream];
    const count = last && last.seconds === at.seconds && last.nanos === at.nanos ? last.count + 1 : 1;
    const mark = { seconds: at.seconds, nanos: at.nanos, count };
    this.seen[stream] = mark;
    const skip = this.skip[stream];
    if (skip && !isBehind(mark, skip)) return false;
    this.skip[stream] = null;
    this.marks[stream] = mark;
    this.recent[stream].add(at);
    return true;
  }

  toString(): OutputPosition {
    return `${formatMark(this.marks.stdout)},${formatMark(this.marks.stderr)}`;
  }
}

function isBehind(mark: Mark, other: Mark): boolean {
  if (mark.seconds !== other.seconds) return mark.seconds > other.seconds;
  if (mark.nanos !== other.nanos) return mark.nanos > other.nanos;
  return mark.count > other.count;
}

function isBefore(at: Moment, other: Moment): boolean {
  return at.seconds < other.seconds || (at.seconds === other.seconds && at.nanos < other.nanos);
}

function formatMark(mark: Mark | null): string {
  return mark === null ? '' : `${String(mark.seconds)}.${String(mark.nanos)}.${String(mark.count)}`;
}

function parseMark(text: string | undefined): Mark | null {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(text ?? '');
  return match ? { seconds: Number(match[1]), nanos: Number(match[2]), count: Number(match[3]) } : null;
}

/** Reads times such as `2026-11-21T04:05:06.123456789Z`; quick when the second is that of the call before. */
export class MomentReader {
  private text = '';
  private seconds = 0;

  /** @returns null when it is no time */
  read(time: string): Moment | null {
    const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time);
    if (!match) return null;
    const [, second = '', fraction = '', zone = ''] = match;
    if (second + zone !== this.text) {
      this.text = second + zone;
      this.seconds = Date.parse(second + zone) / 1000;
    }
    return { seconds: this.seconds, nanos: Number(fraction.padEnd(9, '0')) };
  }
}
