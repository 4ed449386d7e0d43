import { closeSync, openSync, writeSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { isDiskFull } from '#shared/errors.ts';

/** Most output of one build that is kept, in bytes (reference: heroku-platform 2.6). */
const MAX_OUTPUT = 300 * 1024 * 1024;
const CHUNK = 64 * 1024;
const HOLE = Buffer.from('\n !     Some of the build log is missing: the disk was full.\n');

/** Outputs of builds, one file each, so that they outlive the engine and are read while they grow. */
export class BuildOutputs {
  private readonly folder: string;
  private readonly live = new Map<string, BuildOutput>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Begins the output of a build. */
  begin(buildId: string): BuildOutput {
    const output = new BuildOutput(this.path(buildId), () => {
      this.live.delete(buildId);
    });
    this.live.set(buildId, output);
    return output;
  }

  /** The output from its first character; goes on until the build has ended. Empty for a build without output. */
  async *read(buildId: string, signal: AbortSignal): AsyncIterable<{ text: string }> {
    const file = await open(this.path(buildId), 'r').catch(() => null);
    if (file === null) return;
    try {
      const decoder = new StringDecoder('utf8');
      const buffer = Buffer.alloc(CHUNK);
      const stopped = aborted(signal);
      while (!signal.aborted) {
        const live = this.live.get(buildId);
        const more = live?.next();
        const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
        const text = decoder.write(buffer.subarray(0, bytesRead));
        if (text !== '') yield { text };
        if (bytesRead > 0) continue;
        if (live === undefined) return;
        await Promise.race([more, stopped]);
      }
    } finally {
      await file.close();
    }
  }

  /** Removes what a build printed. */
  async remove(buildId: string): Promise<void> {
    await rm(this.path(buildId), { force: true });
  }

  private path(buildId: string): string {
    return join(this.folder, `${buildId}.log`);
  }
}

/** The growing output of one build. */
export class BuildOutput {
  private readonly file: number;
  private readonly onEnd: () => void;
  private size = 0;
  private waiting: PromiseWithResolvers<void> = Promise.withResolvers();
  private ended = false;
  /** Text could not be written since the last that was. */
  private holed = false;

  constructor(path: string, onEnd: () => void) {
    this.file = openSync(path, 'a', 0o600);
    this.onEnd = onEnd;
  }

  /**
   * Adds text; it is in the file when this returns. What is over the limit, or comes while the disk is full, is left out, and that
   * is said once: a build is not worth less for it.
   */
  write(text: string): void {
    if (this.ended || this.size >= MAX_OUTPUT) return;
    const bytes = Buffer.from(text);
    this.size += bytes.length;
    this.store(bytes);
    if (this.size >= MAX_OUTPUT)
      this.store(Buffer.from('\n !     The rest of the build log is left out: it is over 300 MB.\n'));
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
