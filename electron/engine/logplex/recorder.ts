import type { LogLine } from '#shared/model/log.ts';
import type { Clock } from '../util/clock.ts';
import { type CursorChanges, encodeFrame } from './frame.ts';
import type { Ring } from './ring.ts';
import type { Segments } from './segments.ts';

/** How many numbers are set aside at a time while lines cannot be stored. */
const RESERVE_STEP = 10_000;
/** Shortest time between two attempts to store while it does not work, in milliseconds. */
const RETRY_WAIT = 1_000;

/** What waits for room on the disk: the ring's lines from a number on, and cursors. */
interface Backlog {
  readonly firstSeq: number;
  readonly cursors: Map<string, string | null>;
  retryAt: number;
  /** Numbers up to this one are set aside. */
  reserved: number;
}

export interface RecorderOptions {
  readonly segments: Segments;
  readonly ring: Ring;
  /** All cursors, those of lines that could not be stored included. */
  readonly cursors: Map<string, string>;
  readonly clock: Clock;
  /** Told once, when storing begins to fail. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Stores an app's lines. What cannot be stored (disk full) is stored later, in order, with the lines that come then;
 * what the ring has let go of until then is lost to the disk, which shows as a gap in the numbers.
 */
export class Recorder {
  private readonly options: RecorderOptions;
  private backlog: Backlog | null = null;

  constructor(options: RecorderOptions) {
    this.options = options;
  }

  /** True while lines cannot be stored. */
  get isBehind(): boolean {
    return this.backlog !== null;
  }

  /**
   * Stores lines that are not in the ring yet, together with changes of cursors.
   * @param now tries although the last attempt failed a moment ago
   */
  record(lines: readonly LogLine[], changes: CursorChanges, now: boolean): void {
    const { segments, ring, cursors, clock } = this.options;
    for (const [dynoId, position] of changes) {
      if (position === null) cursors.delete(dynoId);
      else cursors.set(dynoId, position);
    }
    const nextSeq = ring.nextSeq + lines.length;
    if (this.backlog !== null && !now && clock.now() < this.backlog.retryAt) {
      this.postpone(this.backlog, changes, nextSeq);
      return;
    }
    const all = this.backlog === null ? lines : [...ring.from(this.backlog.firstSeq), ...lines];
    const allChanges = this.backlog === null ? changes : new Map([...this.backlog.cursors, ...changes]);
    try {
      segments.write(encodeFrame(all[0]?.seq ?? nextSeq, all, segments.beginsFile ? cursors : allChanges));
      if (this.backlog !== null) segments.reserve(0);
      this.backlog = null;
    } catch (error) {
      if (this.backlog === null) {
        this.backlog = { firstSeq: ring.nextSeq, cursors: new Map(), retryAt: 0, reserved: 0 };
        this.options.onFailure(error);
      }
      this.backlog.retryAt = clock.now() + RETRY_WAIT;
      this.postpone(this.backlog, changes, nextSeq);
    }
  }

  private postpone(backlog: Backlog, changes: CursorChanges, nextSeq: number): void {
    for (const [dynoId, position] of changes) backlog.cursors.set(dynoId, position);
    if (backlog.reserved >= nextSeq) return;
    backlog.reserved = nextSeq + RESERVE_STEP;
    try {
      this.options.segments.reserve(backlog.reserved);
    } catch {
      // Nothing can be written at all; the failure has been told.
    }
  }
}
