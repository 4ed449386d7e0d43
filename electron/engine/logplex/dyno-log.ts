import * as z from 'zod';
import type { LogStream } from '#shared/model/log.ts';
import type { OutputPosition, OutputSink } from '../runtime/runtime.ts';
import type { Clock } from '../util/clock.ts';
import { LineSplitter, type SplitLine } from './line-splitter.ts';
import type { Logplex } from './logplex.ts';

/** How long a line without an end waits for more before it is shown, in milliseconds. Think of a prompt. */
const PROMPT_WAIT = 1_000;

/** Whose output it is. */
export interface DynoLogOptions {
  readonly logplex: Pick<Logplex, 'append' | 'cursors'>;
  readonly clock: Clock;
  readonly appId: string;
  readonly dynoId: string;
  /** Dyno name, for example `web.1`. */
  readonly ps: string;
}

/** A place in the output, with the bytes of either stream before it, counted from where this reader began. */
interface Mark {
  readonly position: OutputPosition | null;
  readonly stdout: number;
  readonly stderr: number;
}

/** Position to follow from, then for either stream: bytes behind it that are stored already, and whether a line is open there. */
const Cursor = z.tuple([z.string().nullable(), z.number(), z.boolean(), z.number(), z.boolean()]);
type Cursor = z.infer<typeof Cursor>;
const FROM_START: Cursor = [null, 0, false, 0, false];

interface StreamState {
  readonly splitter: LineSplitter;
  /** Bytes that came, and bytes of them that are in stored lines, both counted from where this reader began. */
  received: number;
  stored: number;
  lastByteAt: number;
}

/**
 * Brings one dyno's output into the log, line by line, and stores with the lines how far it came. After a kill -9 a new
 * `DynoLog` of the same dyno goes on exactly there, whatever chunks the output came and comes in.
 *
 * A cursor is a position of the runtime, and for each stream how many bytes behind it are in stored lines: those are
 * passed over at the resume. A position may be used once all bytes before it are stored. Besides the latest position one
 * candidate is enough to get on: it becomes usable when the lines that were open at it have ended, and is then followed
 * by what is the latest. A line without an end for a second is stored as it is, so nothing holds the cursor back for long.
 */
export class DynoLog implements OutputSink {
  /** Where the runtime has to begin; undefined is the start of the output. */
  readonly after: OutputPosition | undefined;
  private readonly options: DynoLogOptions;
  private readonly streams: Readonly<Record<LogStream, StreamState>>;
  private usable: Mark;
  private candidate: Mark | null = null;
  private latest: Mark;
  private cancelTimer: (() => void) | null = null;
  private closed = false;

  constructor(options: DynoLogOptions) {
    this.options = options;
    const [position, out, outOpen, err, errOpen] = parseCursor(
      options.logplex.cursors(options.appId).get(options.dynoId),
    );
    this.after = position ?? undefined;
    this.streams = {
      stdout: { splitter: new LineSplitter(outOpen), received: 0, stored: out, lastByteAt: 0 },
      stderr: { splitter: new LineSplitter(errOpen), received: 0, stored: err, lastByteAt: 0 },
    };
    this.usable = { position, stdout: 0, stderr: 0 };
    this.latest = this.usable;
  }

  onBytes(name: LogStream, bytes: Buffer, at: number, position: OutputPosition): void {
    if (this.closed) return;
    const stream = this.streams[name];
    const known = Math.min(bytes.length, Math.max(0, stream.stored - stream.received));
    stream.received += bytes.length;
    stream.lastByteAt = this.options.clock.now();
    const lines = known === bytes.length ? [] : stream.splitter.push(bytes.subarray(known), at);
    this.latest = { position, stdout: this.streams.stdout.received, stderr: this.streams.stderr.received };
    this.store(name, lines);
    if (stream.splitter.pending > 0) this.watch(PROMPT_WAIT);
  }

  onEnd(): void {
    if (this.closed) return;
    for (const name of ['stdout', 'stderr'] as const) this.store(name, this.streams[name].splitter.end());
    this.close();
  }

  /** Takes no more output; what is pending is left to who resumes at the cursor. */
  close(): void {
    this.closed = true;
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private store(name: LogStream, lines: readonly SplitLine[]): void {
    const stream = this.streams[name];
    stream.stored = Math.max(stream.stored, stream.received - stream.splitter.pending);
    this.advance();
    if (lines.length === 0) return;
    const { logplex, appId, dynoId } = this.options;
    const entries = lines.map(({ at, text }) => ({
      at,
      source: 'app' as const,
      ps: this.options.ps,
      stream: name,
      text,
    }));
    logplex.append(appId, entries, { dynoId, position: this.cursor() });
  }

  private advance(): void {
    if (this.isStored(this.latest)) {
      this.usable = this.latest;
      this.candidate = null;
    } else if (this.candidate !== null && this.isStored(this.candidate)) {
      this.usable = this.candidate;
      this.candidate = this.latest;
    } else {
      this.candidate ??= this.latest;
    }
  }

  private isStored(mark: Mark): boolean {
    return this.streams.stdout.stored >= mark.stdout && this.streams.stderr.stored >= mark.stderr;
  }

  private cursor(): string {
    const { stdout, stderr } = this.streams;
    const cursor: Cursor = [
      this.usable.position,
      stdout.stored - this.usable.stdout,
      stdout.splitter.midLine,
      stderr.stored - this.usable.stderr,
      stderr.splitter.midLine,
    ];
    return JSON.stringify(cursor);
  }

  private watch(wait: number): void {
    this.cancelTimer ??= this.options.clock.after(wait, () => {
      this.cancelTimer = null;
      this.flushOld();
    });
  }

  private flushOld(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = this.streams[name];
      if (stream.splitter.pending === 0) continue;
      const left = stream.lastByteAt + PROMPT_WAIT - this.options.clock.now();
      if (left <= 0) this.store(name, stream.splitter.flush());
      else next = Math.min(next, left);
    }
    if (next < Number.POSITIVE_INFINITY) this.watch(next);
  }
}

function parseCursor(text: string | undefined): Cursor {
  if (text === undefined) return FROM_START;
  try {
    return Cursor.parse(JSON.parse(text));
  } catch {
    // Lines told twice are better than lines lost.
    return FROM_START;
  }
}
