import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { SlugPart } from '../runtime/runtime.ts';
import { BuildFailure } from './failure.ts';
import { megabytes } from './output-text.ts';

const READ_BYTES = 4 * 1024 * 1024;
/** After this many bytes the system begins to bring them to the disk, while the rest is still being made. */
const FLUSH_BYTES = 16 * 1024 * 1024;
/** How many hash states are kept. */
const KEPT_STATES = 64;

/** An archive that was just written. */
export interface StoredSlug {
  readonly sha256: string;
  readonly size: number;
  readonly parts: readonly SlugPart[];
}

/**
 * States of SHA-256 behind leading parts, by the parts' keys: what most slugs of an app begin with is hashed once.
 * Bounded; a state takes some hundred bytes.
 */
export class HashMemory {
  private readonly states = new Map<string, Hash>();

  get(parts: readonly SlugPart[]): Hash | null {
    return this.states.get(name(parts))?.copy() ?? null;
  }

  keep(parts: readonly SlugPart[], hash: Hash): void {
    this.states.set(name(parts), hash.copy());
    const [oldest] = this.states.keys();
    if (this.states.size > KEPT_STATES && oldest !== undefined) this.states.delete(oldest);
  }
}

function name(parts: readonly SlugPart[]): string {
  return parts.map((part) => `${part.key}:${part.length}`).join(' ');
}

/** Writes one archive and hashes it on the way. */
export class ArchiveWriter {
  private readonly file: FileHandle;
  private readonly maxBytes: number;
  private readonly memory: HashMemory;
  private hash: Hash = createHash('sha256');
  private readonly parts: SlugPart[];
  private size: number;
  private unflushed = 0;
  private flushing = false;
  /** Keeps what a flush met: the system tells of it only once. */
  private flushed: Promise<unknown> = Promise.resolve();

  /** @param leading parts that the file has already */
  constructor(file: FileHandle, maxBytes: number, memory: HashMemory, leading: readonly SlugPart[]) {
    this.file = file;
    this.maxBytes = maxBytes;
    this.memory = memory;
    this.parts = [...leading];
    this.size = leading.reduce((sum, part) => sum + part.length, 0);
  }

  /** Takes the parts that the file has already into the hash. */
  async hashLeading(): Promise<void> {
    const known = this.memory.get(this.parts);
    if (known !== null) {
      this.hash = known;
      return;
    }
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let position = 0; position < this.size; ) {
      const { bytesRead } = await this.file.read(buffer, 0, READ_BYTES, position);
      if (bytesRead === 0) throw new Error('an older slug became shorter while it was read');
      this.hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    this.memory.keep(this.parts, this.hash);
  }

  /** Adds a part. @returns its length */
  async append(key: string, bytes: Readable): Promise<number> {
    if (this.parts.length > 0) this.memory.keep(this.parts, this.hash);
    const offset = this.size;
    for await (const chunk of bytes as AsyncIterable<Buffer>) await this.write(chunk);
    const length = this.size - offset;
    this.parts.push({ key, offset, length });
    return length;
  }

  async finish(): Promise<StoredSlug> {
    await this.flushed;
    await this.file.datasync();
    await this.file.close();
    return { sha256: this.hash.digest('hex'), size: this.size, parts: this.parts };
  }

  async abandon(): Promise<void> {
    await this.flushed.catch(() => undefined);
    await this.file.close().catch(() => undefined);
  }

  private async write(chunk: Buffer): Promise<void> {
    const position = this.size;
    this.size += chunk.length;
    if (this.size > this.maxBytes)
      throw new BuildFailure('slug_too_large', tooLargeText(this.size, this.maxBytes));
    const written = this.writeAt(chunk, position);
    this.hash.update(chunk);
    await written;
    this.unflushed += chunk.length;
    if (this.unflushed >= FLUSH_BYTES && !this.flushing) this.flush();
  }

  /** The system may take less than it is given, as on a disk that is nearly full. */
  private async writeAt(chunk: Buffer, position: number): Promise<void> {
    for (let done = 0; done < chunk.length; )
      done += (await this.file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  }

  private flush(): void {
    this.unflushed = 0;
    this.flushing = true;
    const flush = this.file.datasync().then(() => {
      this.flushing = false;
    });
    this.flushed = Promise.all([this.flushed, flush]);
    this.flushed.catch(() => undefined);
  }
}

/** The platform's words for a slug over the limit (reference: heroku-platform 2.5). */
function tooLargeText(size: number, maxBytes: number): string {
  const limit = Math.round(maxBytes / 2 ** 20);
  return `Compiled slug size: at least ${megabytes(size)} is too large (max is ${limit}M).\nSee: http://devcenter.heroku.com/articles/slug-size`;
}
