import type { LogEntry, LogFilter, LogLine, LogRecord } from '#shared/model/log.ts';
import type { Clock } from '../util/clock.ts';
import { readHistory } from './history.ts';
import type { DynoCursor, LogplexLimits, OpenLog } from './logplex.ts';
import { LogReader } from './reader.ts';
import { Recorder } from './recorder.ts';
import { Ring } from './ring.ts';
import { Segments } from './segments.ts';
import { textPieces } from './utf8.ts';

/** What one app's log needs. */
export interface AppLogOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly limits: LogplexLimits;
  onProblem(what: string, error: unknown): void;
}

/**
 * The log of one app. Lines wait in `pending` for some milliseconds; then they are written as one frame,
 * and only then handed to readers: what somebody has seen is still there after a kill -9.
 */
export class AppLog {
  private readonly options: AppLogOptions;
  private readonly segments: Segments;
  private readonly readers = new Set<LogReader>();
  private readonly ring: Ring;
  private readonly recorder: Recorder;
  private readonly latestCursors: Map<string, string>;
  private pending: LogLine[] = [];
  private pendingCursors = new Map<string, string | null>();
  private pendingBytes = 0;
  private nextSeq: number;
  private cancelTimer: (() => void) | null = null;

  constructor(options: AppLogOptions) {
    this.options = options;
    this.segments = new Segments(options.folder, options.limits);
    const { nextSeq, cursors } = this.recover();
    this.nextSeq = nextSeq;
    this.latestCursors = cursors;
    this.ring = new Ring(nextSeq);
    const { segments, ring } = this;
    const what = `Log lines cannot be stored in ${options.folder}; they are kept in memory for now. Make room on the disk.`;
    const onFailure = (error: unknown): void => {
      options.onProblem(what, error);
    };
    this.recorder = new Recorder({ segments, ring, cursors, clock: options.clock, onFailure });
  }

  /** See `Logplex.append`. */
  append(entries: readonly LogEntry[], cursor?: DynoCursor): void {
    for (const entry of entries) this.addEntry(entry);
    if (cursor !== undefined) this.pendingCursors.set(cursor.dynoId, cursor.position);
    this.flushSoon();
  }

  /** The dyno's output will not be read again. */
  forgetDyno(dynoId: string): void {
    this.pendingCursors.set(dynoId, null);
    this.flushSoon();
  }

  /** See `Logplex.cursors`. */
  cursors(): ReadonlyMap<string, string> {
    this.flush();
    return this.latestCursors;
  }

  /** See `Logplex.recent`. */
  recent(filter: LogFilter, lines: number): LogRecord[] {
    this.flush();
    return readHistory(this.ring, this.segments, { filter, lines, after: null });
  }

  /** See `Logplex.open`. */
  open({ filter, lines, after }: OpenLog, signal: AbortSignal): LogReader {
    this.flush();
    const { resumeLines } = this.options.limits;
    const query =
      after === undefined ? { filter, lines, after: null } : { filter, lines: resumeLines, after };
    const snapshot = signal.aborted ? [] : readHistory(this.ring, this.segments, query);
    const abort = (): void => {
      reader.stop();
    };
    const reader = new LogReader(this.ring, filter, snapshot, () => {
      signal.removeEventListener('abort', abort);
      this.readers.delete(reader);
      this.trim();
    });
    this.readers.add(reader);
    if (signal.aborted) reader.stop();
    else signal.addEventListener('abort', abort, { once: true });
    return reader;
  }

  /**
   * Writes what is pending and hands it to the readers.
   * @param now tries to store what could not be stored before, too
   */
  flush(now = false): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    const isEmpty = this.pending.length === 0 && this.pendingCursors.size === 0;
    if (isEmpty && !(now && this.recorder.isBehind)) return;
    const lines = this.pending;
    const changes = this.pendingCursors;
    this.pending = [];
    this.pendingCursors = new Map();
    this.pendingBytes = 0;
    this.recorder.record(lines, changes, now);
    for (const line of lines) this.ring.push(line);
    this.trim();
    for (const reader of this.readers) reader.wake();
  }

  /** Flushes, and waits until all is on the disk. */
  async sync(): Promise<void> {
    this.flush(true);
    await this.segments.sync();
  }

  /** Flushes, ends all readers and lets go of the files. */
  async close(): Promise<void> {
    this.flush(true);
    for (const reader of [...this.readers]) reader.end();
    await this.segments.close();
  }

  /** Ends all readers and removes all files. */
  async remove(): Promise<void> {
    await this.close();
    await this.segments.remove();
  }

  private recover(): ReturnType<Segments['recover']> {
    try {
      return this.segments.recover();
    } catch (error) {
      this.options.onProblem(`The log in ${this.options.folder} cannot be read; it begins anew.`, error);
      return { nextSeq: 1, cursors: new Map() };
    }
  }

  private addEntry(entry: LogEntry): void {
    const ps = /[\t\n]/.test(entry.ps) ? entry.ps.replaceAll(/[\t\n]/g, ' ') : entry.ps;
    const texts = entry.text.includes('\n') ? entry.text.split('\n') : [entry.text];
    for (const text of texts.flatMap((each) => textPieces(each.toWellFormed()))) {
      const { source, stream } = entry;
      this.pending.push({
        kind: 'line',
        seq: this.nextSeq,
        at: Math.round(entry.at),
        source,
        ps,
        stream,
        text,
      });
      this.nextSeq += 1;
      this.pendingBytes += text.length;
    }
  }

  private flushSoon(): void {
    const { batchMs, batchBytes, batchLines } = this.options.limits;
    if (this.pendingBytes >= batchBytes || this.pending.length >= batchLines) this.flush();
    else
      this.cancelTimer ??= this.options.clock.after(batchMs, () => {
        this.cancelTimer = null;
        this.flush();
      });
  }

  private trim(): void {
    const { ringLines, ringBytes, quietLines, quietBytes } = this.options.limits;
    const large = this.readers.size > 0 || this.recorder.isBehind;
    this.ring.trim(large ? ringLines : quietLines, large ? ringBytes : quietBytes, (line) => {
      for (const reader of this.readers) reader.evicted(line);
    });
  }
}
