import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { isDiskFull } from '#shared/errors.ts';

/**
 * Size from which the output of a build goes on in another file, in bytes. The newest two are kept, so a log over 300 MB loses its
 * beginning in pieces of this size (reference: heroku-platform 2.6).
 */
const CHUNK_BYTES = 150 * 1024 * 1024;
const KEPT_CHUNKS = 2;
const READ_BYTES = 64 * 1024;
const HOLE = Buffer.from('\n !     Some of the build log is missing: the disk was full.\n');
const CUT = '\n !     What comes before is left out: the build log is too large.\n';

/** Outputs of builds, one file each, so that they outlive the engine and are read while they grow. */
export class BuildOutputs {
  private readonly folder: string;
  private readonly chunkBytes: number;
  private readonly live = new Map<string, BuildOutput>();

  /** @param chunkBytes smaller in tests */
  constructor(folder: string, chunkBytes: number = CHUNK_BYTES) {
    this.folder = folder;
    this.chunkBytes = chunkBytes;
  }

  /** Begins the output of a build. */
  begin(buildId: string): BuildOutput {
    const output = new BuildOutput(join(this.folder, buildId), this.chunkBytes, () => {
      this.live.delete(buildId);
    });
    this.live.set(buildId, output);
    return output;
  }

  /**
   * The output from the first character that is kept; goes on until the build has ended. Empty for a build without output. A reader
   * that is so slow that it loses a part is told.
   */
  async *read(buildId: string, signal: AbortSignal): AsyncIterable<{ text: string }> {
    let at = -1;
    for (;;) {
      const chunk = (await this.chunks(buildId)).find((each) => each > at);
      if (chunk === undefined || signal.aborted) return;
      const file = await open(chunkPath(join(this.folder, buildId), chunk), 'r').catch(() => null);
      if (file === null) continue;
      if (chunk > at + 1) yield { text: CUT };
      at = chunk;
      try {
        yield* this.readChunk(buildId, chunk, file, signal);
      } finally {
        await file.close();
      }
    }
  }

  /** Removes what a build printed. */
  async remove(buildId: string): Promise<void> {
    for (const chunk of await this.chunks(buildId))
      await rm(chunkPath(join(this.folder, buildId), chunk), { force: true });
  }

  /** One file from its beginning, until the build has ended or goes on in another. */
  private async *readChunk(
    buildId: string,
    chunk: number,
    file: FileHandle,
    signal: AbortSignal,
  ): AsyncIterable<{ text: string }> {
    const decoder = new StringDecoder('utf8');
    const buffer = Buffer.alloc(READ_BYTES);
    const stopped = aborted(signal);
    while (!signal.aborted) {
      // Asked before the read, so that nothing comes between the last bytes and the answer.
      const live = this.live.get(buildId);
      const more = live?.chunk === chunk ? live.next() : null;
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
      const text = decoder.write(buffer.subarray(0, bytesRead));
      if (text !== '') yield { text };
      if (bytesRead > 0) continue;
      if (more === null) return;
      await Promise.race([more, stopped]);
    }
  }

  /** Numbers of the files that a build's output is in, in order. */
  private async chunks(buildId: string): Promise<number[]> {
    const names = await readdir(this.folder);
    const numbers = names.flatMap((name) => {
      const found = name.startsWith(buildId) ? /^\.log(?:\.(\d+))?$/.exec(name.slice(buildId.length)) : null;
      return found === null ? [] : [Number(found[1] ?? 0)];
    });
    return numbers.sort((one, other) => one - other);
  }
}

function chunkPath(base: string, chunk: number): string {
  return chunk === 0 ? `${base}.log` : `${base}.log.${chunk}`;
}

/** The growing output of one build. */
export class BuildOutput {
  private readonly base: string;
  private readonly chunkBytes: number;
  private readonly onEnd: () => void;
  private file: number;
  /** Number of the file that is written now. */
  private number = 0;
  private size = 0;
  private waiting: PromiseWithResolvers<void> = Promise.withResolvers();
  private ended = false;
  /** Text could not be written since the last that was. */
  private holed = false;

  constructor(base: string, chunkBytes: number, onEnd: () => void) {
    this.base = base;
    this.chunkBytes = chunkBytes;
    this.onEnd = onEnd;
    this.file = openSync(chunkPath(base, 0), 'a', 0o600);
  }

  /** Number of the file that is written now; larger than that of every file that will not grow any more. */
  get chunk(): number {
    return this.number;
  }

  /**
   * Adds text; it is in the file when this returns. What comes while the disk is full is left out, and that is said once: a build is
   * not worth less for it.
   */
  write(text: string): void {
    if (this.ended || text === '') return;
    const bytes = Buffer.from(text);
    if (this.size >= this.chunkBytes) this.goOn();
    this.size += bytes.length;
    this.store(bytes);
    this.wake();
  }

  /** No more text will come. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    closeSync(this.file);
    this.onEnd();
    this.wake();
  }

  /** Resolves at the next write, or the end. */
  next(): Promise<void> {
    return this.waiting.promise;
  }

  /** Goes on in another file; on a full disk in the same. */
  private goOn(): void {
    try {
      const next = openSync(chunkPath(this.base, this.number + 1), 'a', 0o600);
      closeSync(this.file);
      this.file = next;
      this.number += 1;
      this.size = 0;
      rmSync(chunkPath(this.base, this.number - KEPT_CHUNKS), { force: true });
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  private store(bytes: Buffer): void {
    try {
      const all = this.holed ? Buffer.concat([HOLE, bytes]) : bytes;
      for (let done = 0; done < all.length; ) done += writeSync(this.file, all, done);
      this.holed = false;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.holed = true;
    }
  }

  private wake(): void {
    this.waiting.resolve();
    this.waiting = Promise.withResolvers();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
