import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '#shared/errors.ts';
import type { LogEntry, LogFilter, LogRecord } from '#shared/model/log.ts';
import type { Clock } from '../util/clock.ts';
import { AppLog } from './app-log.ts';

/** Where the reader of a dyno's output is, in words of its own. */
export interface DynoCursor {
  readonly dynoId: string;
  readonly position: string;
}

/** What a reader wants. */
export interface OpenLog {
  readonly filter: LogFilter;
  /** How many lines of the past come first; not heeded when `after` is given. */
  readonly lines: number;
  /** Resume behind this number: all kept lines with larger numbers come first. */
  readonly after?: number;
}

/** Bounds of memory, disk and delay. All are for one app. */
export interface LogplexLimits {
  /** Most lines, and bytes, in memory while somebody reads along: how far a slow reader may be behind. */
  readonly ringLines: number;
  readonly ringBytes: number;
  /** The same while nobody reads. */
  readonly quietLines: number;
  readonly quietBytes: number;
  /** Most lines that a resuming reader gets of the past; what is older counts as a gap. */
  readonly resumeLines: number;
  /** Size from which a new file is begun, and how many files are kept. */
  readonly segmentBytes: number;
  readonly segments: number;
  /** Longest wait before lines are written and shown, in milliseconds, and what is written at once however soon it comes. */
  readonly batchMs: number;
  readonly batchBytes: number;
  readonly batchLines: number;
}

/** The limits unless others are given: 32 MB on disk for each app. */
export const LOGPLEX_LIMITS: LogplexLimits = {
  ringLines: 50_000,
  ringBytes: 8 * 1024 * 1024,
  quietLines: 1_000,
  quietBytes: 256 * 1024,
  resumeLines: 50_000,
  segmentBytes: 4 * 1024 * 1024,
  segments: 8,
  batchMs: 10,
  batchBytes: 256 * 1024,
  batchLines: 2_000,
};

export interface LogplexOptions {
  /** Holds one folder for each app. */
  readonly folder: string;
  readonly clock: Clock;
  readonly limits?: Partial<LogplexLimits>;
  /** Told once when the log of an app cannot be read or stored, and again after it went well in between. */
  readonly onProblem?: (what: string, error: unknown) => void;
}

/** The logs of all apps: one ordered stream of lines for each. */
export interface Logplex {
  /**
   * Adds lines in the order of arrival and gives each the next number of the app's log. They are stored and shown some
   * milliseconds later, or with the next question, in one write together with the cursor: after a kill -9 both are there, or neither.
   * Texts with line ends, or over 10 000 bytes of UTF-8, become several lines. Nothing happens for a removed app.
   */
  append(appId: string, entries: readonly LogEntry[], cursor?: DynoCursor): void;
  /** The newest `lines` lines that pass the filter, in order, with a gap where lines in between could not be stored. */
  recent(appId: string, filter: LogFilter, lines: number): LogRecord[];
  /**
   * A part of the past and then every new line, with neither loss nor repeat between the two; both are fixed when this is called.
   * A reader that is too far behind gets `{ kind: 'gap', reason: 'slow' }` and goes on with what is still in memory.
   * Lines behind `after` that are not kept any more come as a gap `dropped`, whose count does not heed the filter.
   * It ends with the signal, the removal of the app or the close of logplex.
   */
  open(appId: string, wanted: OpenLog, signal: AbortSignal): AsyncIterable<LogRecord>;
  /** The last cursor of each dyno of the app. */
  cursors(appId: string): ReadonlyMap<string, string>;
  /** Drops the cursor of a dyno whose output has been read to its end. */
  forgetDyno(appId: string, dynoId: string): void;
  /** Ends the app's readers and deletes its log; nothing is added to it any more. */
  removeApp(appId: string): Promise<void>;
  /** Deletes the logs of all apps but these: what an engine that was killed during a removal left. */
  sweep(keepAppIds: readonly string[]): Promise<void>;
  /** Stores and shows at once what waits, and returns when it is on the disk, power loss included. */
  sync(): Promise<void>;
  /** Syncs, ends all readers and lets go of all files. What comes later is not taken. */
  close(): Promise<void>;
}

const APP_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Opens the logs in a folder, which is made when missing. One engine at a time may have it open.
 * @throws SlipwayError `unavailable` when the folder cannot be used
 */
export async function openLogplex(options: LogplexOptions): Promise<Logplex> {
  try {
    await mkdir(options.folder, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError(
      'unavailable',
      `The log folder ${options.folder} cannot be used: ${reason}. Make it writable, or set SLIPWAY_HOME to another folder.`,
      { cause: error },
    );
  }
  return new FolderLogplex(options);
}

class FolderLogplex implements Logplex {
  private readonly options: LogplexOptions;
  private readonly limits: LogplexLimits;
  private readonly logs = new Map<string, AppLog>();
  private readonly removed = new Set<string>();
  private closed = false;

  constructor(options: LogplexOptions) {
    this.options = options;
    this.limits = { ...LOGPLEX_LIMITS, ...options.limits };
  }

  append(appId: string, entries: readonly LogEntry[], cursor?: DynoCursor): void {
    this.log(appId)?.append(entries, cursor);
  }

  recent(appId: string, filter: LogFilter, lines: number): LogRecord[] {
    return this.log(appId)?.recent(filter, lines) ?? [];
  }

  open(appId: string, wanted: OpenLog, signal: AbortSignal): AsyncIterable<LogRecord> {
    return this.log(appId)?.open(wanted, signal) ?? nothing();
  }

  cursors(appId: string): ReadonlyMap<string, string> {
    return this.log(appId)?.cursors() ?? new Map();
  }

  forgetDyno(appId: string, dynoId: string): void {
    const log = this.log(appId);
    if (log?.cursors().has(dynoId) === true) log.forgetDyno(dynoId);
  }

  async removeApp(appId: string): Promise<void> {
    const log = this.log(appId);
    this.removed.add(appId);
    this.logs.delete(appId);
    await log?.remove();
  }

  async sweep(keepAppIds: readonly string[]): Promise<void> {
    const keep = new Set(keepAppIds);
    for (const entry of await readdir(this.options.folder, { withFileTypes: true })) {
      const isLeft =
        entry.isDirectory() && APP_ID.test(entry.name) && !keep.has(entry.name) && !this.logs.has(entry.name);
      if (isLeft) await rm(join(this.options.folder, entry.name), { recursive: true, force: true });
    }
  }

  async sync(): Promise<void> {
    for (const log of this.logs.values()) await log.sync();
  }

  async close(): Promise<void> {
    this.closed = true;
    const logs = [...this.logs.values()];
    this.logs.clear();
    await Promise.all(logs.map((log) => log.close()));
  }

  /** The app's log, read from its files at first use; null when it is removed or all is closed. */
  private log(appId: string): AppLog | null {
    const known = this.logs.get(appId);
    if (known !== undefined) return known;
    if (this.closed || this.removed.has(appId)) return null;
    if (!APP_ID.test(appId)) {
      throw new SlipwayError(
        'invalid_params',
        `"${appId}" is not the id of an app: it is made of letters, digits, "-" and "_".`,
      );
    }
    const log = new AppLog({
      folder: join(this.options.folder, appId),
      clock: this.options.clock,
      limits: this.limits,
      onProblem: (what, error) => this.options.onProblem?.(what, error),
    });
    this.logs.set(appId, log);
    return log;
  }
}

async function* nothing(): AsyncGenerator<LogRecord> {}
