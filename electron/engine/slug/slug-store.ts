import { randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SLUG_MAX_BYTES } from '#shared/model/build.ts';
import type { PackedPart, SlugPart } from '../runtime/runtime.ts';
import { ArchiveWriter, HashMemory, type StoredSlug } from './archive-writer.ts';
import { BuildFailure, systemCode } from './failure.ts';
import { WholeArchives } from './whole-archives.ts';

const SUFFIX = '.slug';
/** Age in milliseconds at which the build that wrote an archive has released it, or given it up. */
const SETTLED_AFTER = 60_000;

/** A copy of an archive, for one that is likely to begin like it; see `SlugStore.copyAhead`. */
export interface ArchiveCopy {
  readonly sha256: string;
  readonly path: string;
  /** Rejects when it could not be made. */
  readonly done: Promise<void>;
}

/** A part that an older archive has. */
export interface KnownPart {
  readonly sha256: string;
  readonly part: SlugPart;
}

/** An older archive from which parts were to be taken over, and cannot be any more: its app was destroyed, or its file damaged. */
export class LostArchive extends Error {
  override readonly name = 'LostArchive';
  readonly sha256: string;

  constructor(sha256: string, reason: string) {
    super(`the older slug ${sha256} cannot be used: ${reason}`);
    this.sha256 = sha256;
  }
}

/** Slug archives, one file each, named by the SHA-256 of their content. */
export class SlugStore {
  private readonly folder: string;
  private readonly maxBytes: number;
  private readonly hashes = new HashMemory();
  private readonly archives = new WholeArchives();

  constructor(folder: string, maxBytes: number) {
    this.folder = folder;
    this.maxBytes = maxBytes;
  }

  /**
   * Writes one archive from parts: the bytes that came, and for parts without bytes those of an older archive.
   * The file is there whole and on the disk, or not at all.
   * @param known parts of older archives by key, at least those that came without bytes
   * @param ahead a copy that becomes the new archive if that begins like it, and else is removed; begun now unless it was before
   * @throws BuildFailure slug_too_large, disk_full, pack_failed
   * @throws LostArchive when a part cannot be taken over; without that archive it can be tried again
   */
  async assemble(
    packed: AsyncIterable<PackedPart>,
    known: ReadonlyMap<string, KnownPart>,
    ahead: ArchiveCopy | null = this.copyAhead(known),
  ): Promise<StoredSlug> {
    const temporary = ahead?.path ?? this.temporaryPath();
    let writer: ArchiveWriter | null = null;
    try {
      const leading: KnownPart[] = [];
      for await (const part of packed) {
        if (part.bytes === null) {
          const found = knownPart(known, part.key);
          if (writer === null && continues(leading, found)) leading.push(found);
          else {
            writer ??= await this.begin(temporary, leading, ahead);
            await this.copyPart(writer, found);
          }
        } else {
          writer ??= await this.begin(temporary, leading, ahead);
          await writer.append(part.key, part.bytes);
        }
      }
      writer ??= await this.begin(temporary, leading, ahead);
      const stored = await writer.finish();
      await rename(temporary, this.path(stored.sha256));
      await this.syncFolder();
      this.archives.wrote(stored.sha256, await stat(this.path(stored.sha256)));
      return stored;
    } catch (error) {
      await writer?.abandon();
      await this.drop(temporary, ahead);
      throw asFailure(error);
    }
  }

  /**
   * Begins to copy the archive of the first of these parts and to bring the copy to the disk, as most slugs begin like the one before.
   * Whoever asks passes it on to `assemble` or to `giveUp`. @returns null where no part is known
   */
  copyAhead(known: ReadonlyMap<string, KnownPart>): ArchiveCopy | null {
    const [likely] = known.values();
    if (likely === undefined) return null;
    const path = this.temporaryPath();
    const copy = async (): Promise<void> => {
      await this.copy(likely.sha256, path);
      const file = await open(path, 'r+');
      await file.datasync().finally(() => file.close());
    };
    const done = copy();
    done.catch(() => undefined);
    return { sha256: likely.sha256, path, done };
  }

  /** Removes a copy that no archive has become. */
  giveUp(copy: ArchiveCopy): Promise<void> {
    return this.drop(copy.path, copy);
  }

  /** Reads an archive, or one part of it. */
  open(sha256: string, part?: SlugPart): Readable {
    const range = part === undefined ? {} : { start: part.offset, end: part.offset + part.length - 1 };
    return createReadStream(this.path(sha256), { ...range, highWaterMark: 1024 * 1024 });
  }

  /**
   * Makes sure that an archive is what was written. It is read once, and again when the file is not the one that was read.
   * An archive that is missing passes: whoever opens it is told.
   * @throws ChecksumError
   */
  verify(sha256: string): Promise<void> {
    return this.archives.verify(sha256, this.path(sha256));
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.path(sha256), { force: true });
  }

  /** Removes an archive unless it was written a moment ago: a build may be about to release the same content. */
  async removeSettled(sha256: string, now: number): Promise<void> {
    const found = await stat(this.path(sha256)).catch(() => null);
    if (found !== null && now - found.mtimeMs >= SETTLED_AFTER) await this.remove(sha256);
  }

  /** Removes half-written files and archives that are not among these. */
  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (!name.endsWith(SUFFIX) || !keep.has(name.slice(0, -SUFFIX.length))) {
        await rm(join(this.folder, name), { force: true });
      }
    }
  }

  private async copy(sha256: string, temporary: string): Promise<void> {
    const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
    await copyFile(this.path(sha256), temporary, flags).catch((error: unknown) => {
      throw lostOr(error, sha256);
    });
  }

  /** Begins a file with the parts that an older archive begins with: the system copies them as one piece. */
  private async begin(
    temporary: string,
    leading: readonly KnownPart[],
    ahead: ArchiveCopy | null,
  ): Promise<ArchiveWriter> {
    const [first] = leading;
    const last = leading.at(-1);
    if (first !== undefined && first.sha256 === ahead?.sha256) await ahead.done;
    else await this.drop(temporary, ahead);
    if (first === undefined || last === undefined) {
      return new ArchiveWriter(await open(temporary, 'wx', 0o600), this.maxBytes, this.hashes, []);
    }
    if (first.sha256 !== ahead?.sha256) await this.copy(first.sha256, temporary);
    const file = await open(temporary, 'r+');
    try {
      const length = last.part.offset + last.part.length;
      // A shorter file would be filled up with zeros.
      if ((await file.stat()).size < length) throw new LostArchive(first.sha256, 'it became shorter');
      await file.truncate(length);
      const parts = leading.map((each) => each.part);
      const writer = new ArchiveWriter(file, this.maxBytes, this.hashes, parts);
      await writer.hashLeading();
      return writer;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Removes a file that may still be being copied. */
  private async drop(temporary: string, ahead: ArchiveCopy | null): Promise<void> {
    await ahead?.done.catch(() => undefined);
    await rm(temporary, { force: true });
  }

  private async copyPart(writer: ArchiveWriter, { sha256, part }: KnownPart): Promise<void> {
    const length = await writer.append(part.key, this.open(sha256, part)).catch((error: unknown) => {
      throw lostOr(error, sha256);
    });
    if (length !== part.length) throw new LostArchive(sha256, 'it became shorter');
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

  private temporaryPath(): string {
    return join(this.folder, `${randomUUID()}.tmp`);
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

function lostOr(error: unknown, sha256: string): unknown {
  return systemCode(error) === 'ENOENT' ? new LostArchive(sha256, 'it is gone') : error;
}

/** True when the part stands in the same archive right behind the ones before, the first at its start. */
function continues(leading: readonly KnownPart[], next: KnownPart): boolean {
  const before = leading.at(-1);
  if (before === undefined) return next.part.offset === 0;
  return before.sha256 === next.sha256 && before.part.offset + before.part.length === next.part.offset;
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
