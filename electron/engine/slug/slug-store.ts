import { createHash, randomUUID, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SLUG_MAX_BYTES } from '#shared/model/build.ts';
import type { PackedPart, SlugPart } from '../runtime/runtime.ts';
import { BuildFailure, systemCode } from './failure.ts';
import { bang, megabytes } from './output-text.ts';

const COPY_BYTES = 4 * 1024 * 1024;
const SUFFIX = '.slug';

/** A part that an older archive has. */
export interface KnownPart {
  readonly sha256: string;
  readonly part: SlugPart;
}

/** An archive that was just written. */
export interface StoredSlug {
  readonly sha256: string;
  readonly size: number;
  readonly parts: readonly SlugPart[];
}

/** Slug archives, one file each, named by the SHA-256 of their content. */
export class SlugStore {
  private readonly folder: string;
  private readonly maxBytes: number;

  constructor(folder: string, maxBytes: number) {
    this.folder = folder;
    this.maxBytes = maxBytes;
  }

  /**
   * Writes one archive from parts: the bytes that came, and for parts without bytes those of an older archive.
   * The file is there whole and on the disk, or not at all.
   * @param known parts of older archives by key; at least those that came without bytes
   * @throws BuildFailure slug_too_large, disk_full, pack_failed
   */
  async assemble(packed: AsyncIterable<PackedPart>, known: ReadonlyMap<string, KnownPart>): Promise<StoredSlug> {
    const temporary = join(this.folder, `${randomUUID()}.tmp`);
    const file = await open(temporary, 'wx', 0o600);
    try {
      const writer = new ArchiveWriter(file, this.maxBytes);
      for await (const part of packed) {
        if (part.bytes !== null) await writer.append(part.key, part.bytes);
        else await this.copyKnown(writer, part.key, known);
      }
      const stored = writer.finish();
      await file.datasync();
      await file.close();
      await rename(temporary, this.path(stored.sha256));
      await this.syncFolder();
      return stored;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true });
      throw asFailure(error);
    }
  }

  /** Reads an archive, or one part of it. */
  open(sha256: string, part?: SlugPart): Readable {
    const range = part === undefined ? {} : { start: part.offset, end: part.offset + part.length - 1 };
    return createReadStream(this.path(sha256), { ...range, highWaterMark: 1024 * 1024 });
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.path(sha256), { force: true });
  }

  /** Removes half-written files and archives that are not among these. */
  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (!name.endsWith(SUFFIX) || !keep.has(name.slice(0, -SUFFIX.length))) {
        await rm(join(this.folder, name), { force: true });
      }
    }
  }

  private async copyKnown(writer: ArchiveWriter, key: string, known: ReadonlyMap<string, KnownPart>): Promise<void> {
    const found = known.get(key);
    if (found === undefined) throw new Error(`the build box left out part ${key}, which no older slug has`);
    const source = await open(this.path(found.sha256), 'r');
    try {
      await writer.copy(key, source, found.part);
    } finally {
      await source.close();
    }
  }

  private async syncFolder(): Promise<void> {
    if (process.platform === 'win32') return;
    const folder = await open(this.folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  private path(sha256: string): string {
    return join(this.folder, `${sha256}${SUFFIX}`);
  }
}

/** Opens the slug archives of a data folder. @param maxBytes differs from the platform's limit in tests */
export function openSlugStore(folder: string, maxBytes = SLUG_MAX_BYTES): SlugStore {
  return new SlugStore(folder, maxBytes);
}

class ArchiveWriter {
  private readonly file: FileHandle;
  private readonly maxBytes: number;
  private readonly hash: Hash = createHash('sha256');
  private readonly parts: SlugPart[] = [];
  private size = 0;

  constructor(file: FileHandle, maxBytes: number) {
    this.file = file;
    this.maxBytes = maxBytes;
  }

  async append(key: string, bytes: Readable): Promise<void> {
    const offset = this.size;
    for await (const chunk of bytes as AsyncIterable<Buffer>) await this.write(chunk);
    this.parts.push({ key, offset, length: this.size - offset });
  }

  async copy(key: string, source: FileHandle, part: SlugPart): Promise<void> {
    const offset = this.size;
    const end = part.offset + part.length;
    let buffers: [Buffer, Buffer] = [Buffer.allocUnsafe(COPY_BYTES), Buffer.allocUnsafe(COPY_BYTES)];
    let writing: Promise<void> = Promise.resolve();
    for (let position = part.offset; position < end; ) {
      const [buffer, other] = buffers;
      const { bytesRead } = await source.read(buffer, 0, Math.min(COPY_BYTES, end - position), position);
      if (bytesRead === 0) throw new Error(`part ${key} is shorter than it was`);
      position += bytesRead;
      await writing;
      writing = this.write(buffer.subarray(0, bytesRead));
      writing.catch(() => undefined);
      buffers = [other, buffer];
    }
    await writing;
    this.parts.push({ key, offset, length: this.size - offset });
  }

  finish(): StoredSlug {
    return { sha256: this.hash.digest('hex'), size: this.size, parts: this.parts };
  }

  private async write(chunk: Buffer): Promise<void> {
    const position = this.size;
    this.size += chunk.length;
    if (this.size > this.maxBytes) throw new BuildFailure('slug_too_large', tooLargeText(this.size, this.maxBytes));
    const written = this.file.write(chunk, 0, chunk.length, position);
    this.hash.update(chunk);
    await written;
  }
}

/** The platform's words for a slug over the limit, without the ` !     ` (reference: heroku-platform 2.5). */
function tooLargeText(size: number, maxBytes: number): string {
  return `Compiled slug size: at least ${megabytes(size)} is too large (max is ${Math.round(maxBytes / 2 ** 20)}M).`;
}

/** What the build log says of a slug over the limit. */
export function tooLargeOutput(message: string): string {
  return bang(`${message}\nSee: http://devcenter.heroku.com/articles/slug-size`);
}

function asFailure(error: unknown): unknown {
  if (error instanceof BuildFailure) return error;
  if (systemCode(error) === 'ENOSPC') {
    return new BuildFailure('disk_full', 'The disk is full: the slug could not be written. Free some space, and deploy again.', error);
  }
  return error;
}
