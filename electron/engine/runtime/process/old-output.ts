import { join } from 'node:path';
import { runTool } from '../box/tools.ts';
import { FILES, readOrNull, writeWhole } from './dyno-files.ts';
import { type Offsets, parseOffsets } from './output-follower.ts';

/** Output that every reader has had is given back to the file system, but for this many bytes. */
const KEEP_BYTES = 8 * 1024 * 1024;

/**
 * Gives the disk space of a dyno's old output back, where the system can punch holes into files (Linux); offsets stay. What the
 * last 8 MiB hold stays too, for a reader that did not get round to noting its position.
 */
export class OldOutput {
  private readonly folder: string;
  private readonly readers: () => Iterable<{ readonly offsets: Offsets }>;
  /** Where what is left begins. Moves on before anything is taken away, so that no reader begins in a hole. */
  private begin: Offsets | null = null;
  private trimming: Promise<void> | null = null;
  private trimAgain = false;

  /** @param readers all that read at the moment */
  constructor(folder: string, readers: () => Iterable<{ readonly offsets: Offsets }>) {
    this.folder = folder;
    this.readers = readers;
  }

  /**
   * Has `add` make a reader, which has to be one of the readers when it returns.
   * @param add gets the offsets at which what is left begins
   * @returns what `add` returned
   */
  async withReader<Reader>(add: (begin: Offsets) => Reader): Promise<Reader> {
    await this.load();
    return add(this.begin ?? parseOffsets(undefined));
  }

  /** Looks what can be given back; a call while it is at it makes it look once more. Resolves when that is done, whatever came of it. */
  trim(): Promise<void> {
    if (process.platform !== 'linux') return Promise.resolve();
    this.trimAgain = true;
    return (this.trimming ??= this.trimWhileAsked().catch(() => undefined));
  }

  private async load(): Promise<void> {
    if (this.begin !== null) return;
    const text = await readOrNull(join(this.folder, FILES.trimmed));
    this.begin ??= parseOffsets(text?.trim());
  }

  private async trimWhileAsked(): Promise<void> {
    try {
      while (this.trimAgain) {
        this.trimAgain = false;
        await this.load();
        for (const stream of ['stdout', 'stderr'] as const) await this.trimOne(stream);
      }
    } finally {
      this.trimming = null;
    }
  }

  private async trimOne(stream: 'stdout' | 'stderr'): Promise<void> {
    const before = this.begin ?? parseOffsets(undefined);
    const read = Math.min(...[...this.readers()].map(({ offsets }) => offsets[stream]));
    if (!Number.isFinite(read) || read - before[stream] < 2 * KEEP_BYTES) return;
    const length = read - KEEP_BYTES;
    const begin = (this.begin = { ...before, [stream]: length });
    await writeWhole(join(this.folder, FILES.trimmed), `${String(begin.stdout)}:${String(begin.stderr)}\n`);
    const hole = ['--punch-hole', '--offset', '0', '--length', String(length)];
    await runTool('emptying old output', 'fallocate', [...hole, join(this.folder, FILES[stream])]);
  }
}
