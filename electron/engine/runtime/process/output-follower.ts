import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../util/clock.ts';
import { hasCode } from '../box/tools.ts';
import type { OutputPosition, OutputSink } from '../runtime.ts';
import { FILES } from './dyno-files.ts';

const STREAMS = ['stdout', 'stderr'] as const;
type Stream = (typeof STREAMS)[number];

/** Bytes read at a time; also the most of a line without end that is held back. */
const PIECE = 64 * 1024;
/** How long the start of a line waits for its end, in milliseconds. */
const LINE_GRACE = 200;

/** Offsets in the two files. */
export type Offsets = Record<Stream, number>;

/** Reads a position; anything else counts as the start. */
export function parseOffsets(position: OutputPosition | undefined): Offsets {
  const match = /^(\d{1,15}):(\d{1,15})$/.exec(position ?? '');
  return { stdout: Number(match?.[1] ?? 0), stderr: Number(match?.[2] ?? 0) };
}

/** Hands the bytes of a dyno's two output files to a sink, and those that come. */
export class OutputFollower {
  /** Where the sink stands. */
  readonly offsets: Offsets;
  private readonly folder: string;
  private readonly sink: OutputSink;
  private readonly clock: Clock;
  private readonly files: Partial<Record<Stream, FileHandle>> = {};
  private readonly buffer = Buffer.allocUnsafe(PIECE);
  private reading: Promise<void> = Promise.resolve();
  private pending = false;
  private cancelGrace: (() => void) | null = null;
  private state: 'following' | 'ended' | 'disposed' = 'following';

  constructor(folder: string, from: Offsets, sink: OutputSink, clock: Clock) {
    this.folder = folder;
    this.offsets = { ...from };
    this.sink = sink;
    this.clock = clock;
  }

  /** Looks for new bytes soon; many calls are one look. */
  wake(): void {
    if (this.pending || this.state !== 'following') return;
    this.pending = true;
    void this.enqueue(async () => {
      this.pending = false;
      await this.readAll(false);
    });
  }

  /** Reads what is left and tells the sink that this was the end. */
  finish(): Promise<void> {
    return this.enqueue(async () => {
      await this.readAll(true);
      if (this.state === 'following') {
        this.state = 'ended';
        this.sink.onEnd();
      }
      await this.letGo();
    });
  }

  /** Nothing more reaches the sink after this call. */
  dispose(): void {
    if (this.state === 'following') this.state = 'disposed';
    void this.enqueue(() => this.letGo());
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    this.reading = this.reading.then(task).catch(() => undefined);
    return this.reading;
  }

  /** Reads both in turns, so that neither has to wait for a flood in the other. */
  private async readAll(toTheEnd: boolean): Promise<void> {
    this.cancelGrace?.();
    this.cancelGrace = null;
    let cut = false;
    for (let more = true; more && this.state === 'following'; ) {
      more = false;
      cut = false;
      for (const stream of STREAMS) {
        const step = await this.readOne(stream, toTheEnd);
        more ||= step === 'more';
        cut ||= step === 'cut';
      }
    }
    if (!cut || this.state !== 'following') return;
    this.cancelGrace = this.clock.after(LINE_GRACE, () => {
      void this.enqueue(() => this.readAll(true));
    });
  }

  /** @returns `more` when there may be more, `cut` when only the start of a line is left */
  private async readOne(stream: Stream, toTheEnd: boolean): Promise<'more' | 'cut' | 'done'> {
    const file = await this.file(stream);
    if (file === null || this.state !== 'following') return 'done';
    const stats = await file.stat({ bigint: true });
    const offset = this.offsets[stream];
    const length = Math.min(PIECE, Number(stats.size) - offset);
    if (length <= 0) return 'done';
    const { bytesRead } = await file.read(this.buffer, 0, length, offset);
    const lines = this.buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    const used = lines > 0 ? lines : toTheEnd || bytesRead === PIECE ? bytesRead : 0;
    if (used === 0) return bytesRead > 0 ? 'cut' : 'done';
    if (this.isOver()) return 'done';
    this.offsets[stream] = offset + used;
    const position = `${String(this.offsets.stdout)}:${String(this.offsets.stderr)}`;
    this.sink.onBytes(
      stream,
      Buffer.from(this.buffer.subarray(0, used)),
      Number(stats.mtimeNs / 1000n),
      position,
    );
    return 'more';
  }

  private isOver(): boolean {
    return this.state !== 'following';
  }

  private async file(stream: Stream): Promise<FileHandle | null> {
    const known = this.files[stream];
    if (known) return known;
    try {
      const file = await open(join(this.folder, FILES[stream]), 'r');
      this.files[stream] = file;
      return file;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
      throw error;
    }
  }

  private async letGo(): Promise<void> {
    this.cancelGrace?.();
    this.cancelGrace = null;
    for (const stream of STREAMS) {
      await this.files[stream]?.close();
      delete this.files[stream];
    }
  }
}
