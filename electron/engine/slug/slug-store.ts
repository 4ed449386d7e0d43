import { createHash, randomUUID, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SLUG_MAX_BYTES } from '#shared/model/build.ts';
import type { PackedPart, SlugPart } from '../runtime/runtime.ts';
import { BuildFailure, systemCode } from './failure.ts';
import { megabytes } from './output-text.ts';

const READ_BYTES = 4 * 1024 * 1024;
/** After this many bytes the system begins to bring them to the disk, while the rest is still being made. */
const FLUSH_BYTES = 16 * 1024 * 1024;
/** How many hash states are kept. */
const KEPT_STATES = 64;
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
  private readonly hashes = new HashMemory();

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
  async assemble(
    packed: AsyncIterable<PackedPart>,
    known: ReadonlyMap<string, KnownPart>,
  ): Promise<StoredSlug> {
    const temporary = join(this.folder, `${randomUUID()}.tmp`);
    let writer: ArchiveWriter | null = null;
    try {
      const leading: KnownPart[] = [];
      for await (const part of packed) {
        if (part.bytes === null) {
          const found = knownPart(known, part.key);
          if (writer === null && continues(leading, found)) leading.push(found);
          else {
            writer ??= await this.begin(temporary, leading);
            await this.copyPart(writer, found);
          }
        } else {
          writer ??= await this.begin(temporary, leading);
          await writer.append(part.key, part.bytes);
        }
      }
      writer ??= await this.begin(temporary, leading);
      const stored = await writer.finish();
      await rename(temporary, this.path(stored.sha256));
      await this.syncFolder();
      return stored;
    } catch (error) {
      await writer?.abandon();
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

  /** Begins a file with the parts that an older archive begins with: the system copies them as one piece. */
  private async begin(temporary: string, leading: readonly KnownPart[]): Promise<ArchiveWriter> {
    const [first] = leading;
    const last = leading.at(-1);
    if (first === undefined || last === undefined) {
      return new ArchiveWriter(await open(temporary, 'wx', 0o600), this.maxBytes, this.hashes, []);
    }
    await copyFile(this.path(first.sha256), temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const file = await open(temporary, 'r+');
    await file.truncate(last.part.offset + last.part.length);
    const writer = new ArchiveWriter(
      file,
      this.maxBytes,
      this.hashes,
      leading.map((each) => each.part),
    );
    await writer.hashLeading();
    return writer;
  }

  private async copyPart(writer: ArchiveWriter, { sha256, part }: KnownPart): Promise<void> {
    await writer.append(part.key, this.open(sha256, part));
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

function knownPart(known: ReadonlyMap<string, KnownPart>, key: string): KnownPart {
  const found = known.get(key);
  if (found === undefined) throw new Error(`the build box left out part ${key}, which no older slug has`);
  return found;
}

/** True when the part stands in the same archive right behind the ones before, the first at its start. */
function continues(leading: readonly KnownPart[], next: KnownPart): boolean {
  const before = leading.at(-1);
  if (before === undefined) return next.part.offset === 0;
  return before.sha256 === next.sha256 && before.part.offset + before.part.length === next.part.offset;
}

/**
 * States of SHA-256 behind leading parts, by the parts' keys: what most slugs of an app begin with is hashed once.
 * Bounded; a state takes some hundred bytes.
 */
class HashMemory {
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
class ArchiveWriter {
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
      if (bytesRead === 0) throw new Error('an older slug is shorter than it was');
      this.hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    this.memory.keep(this.parts, this.hash);
  }

  async append(key: string, bytes: Readable): Promise<void> {
    if (this.parts.length > 0) this.memory.keep(this.parts, this.hash);
    const offset = this.size;
    for await (const chunk of bytes as AsyncIterable<Buffer>) await this.write(chunk);
    this.parts.push({ key, offset, length: this.size - offset });
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
    const written = this.file.write(chunk, 0, chunk.length, position);
    this.hash.update(chunk);
    await written;
    this.unflushed += chunk.length;
    if (this.unflushed >= FLUSH_BYTES && !this.flushing) this.flush();
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

function asFailure(error: unknown): unknown {
  if (error instanceof BuildFailure) return error;
  if (systemCode(error) === 'ENOSPC') {
    return new BuildFailure(
      'disk_full',
      'The disk is full: the slug could not be written. Free some space, and deploy again.',
      error,
    );
  }
  return error;
}
