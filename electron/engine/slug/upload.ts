import { createWriteStream } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { SlipwayError } from '#shared/errors.ts';
import { SOURCE_MAX_BYTES } from '#shared/model/build.ts';

const MAX_ENTRIES = 200_000;

/** One entry of an archive: its head, and its bytes to read. */
type Entry = AsyncIterable<unknown> & { readonly header: Header; resume(): unknown };

/** Differs where an archive is no upload, and in tests. */
export interface ArchiveRules {
  /** What it is called at the beginning of a sentence. */
  readonly title?: string;
  /** Largest sum of its files' sizes, in bytes. */
  readonly maxBytes?: number;
}

/**
 * Unpacks a project folder that a client sent, or another archive from outside. Nothing is written outside the folder: absolute
 * paths, `..`, links that lead out and device files end it.
 * @throws SlipwayError `invalid_params` for an unsafe or broken archive, `too_large` over the limit
 */
export async function expandUpload(tar: Readable, folder: string, rules: ArchiveRules = {}): Promise<void> {
  const { title = 'The upload', maxBytes = SOURCE_MAX_BYTES } = rules;
  const unpack = extract();
  const feeding = pipeline(tar, unpack);
  feeding.catch(() => undefined);
  let entries = 0;
  let bytes = 0;
  try {
    for await (const entry of unpack) {
      entries += 1;
      bytes += entry.header.size ?? 0;
      if (bytes > maxBytes || entries > MAX_ENTRIES) {
        throw new SlipwayError(
          'too_large',
          `${title} holds more than ${MAX_ENTRIES} files or ${maxBytes / 2 ** 30} GB. Leave out what is not needed.`,
        );
      }
      await expandEntry(entry, folder, title);
    }
    await feeding;
  } catch (error) {
    tar.destroy();
    if (error instanceof SlipwayError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError(
      'invalid_params',
      `${title} could not be unpacked: ${reason}. Make it once more.`,
      { cause: error },
    );
  }
}

async function expandEntry(entry: Entry, folder: string, title: string): Promise<void> {
  const { header } = entry;
  const name = safeName(header.name, title);
  const target = join(folder, name);
  if (header.type === 'directory') {
    await mkdir(target, { recursive: true });
  } else if (header.type === 'file') {
    await mkdir(dirname(target), { recursive: true });
    const mode = ((header.mode ?? 0) & 0o100) === 0 ? 0o644 : 0o755;
    await pipeline(entry as AsyncIterable<Uint8Array>, createWriteStream(target, { mode, flags: 'wx' }));
    return;
  } else if (header.type === 'symlink') {
    const lead = header.linkname ?? '';
    if (lead.startsWith('/')) throw unsafe(name, title);
    safeName(posix.join(posix.dirname(name), lead), title);
    await mkdir(dirname(target), { recursive: true });
    await symlink(lead, target);
  } else {
    throw unsafe(name, title);
  }
  entry.resume();
}

function safeName(name: string, title: string): string {
  const clean = posix.normalize(name.replace(/^\.\//, ''));
  if (clean.startsWith('/') || clean === '..' || clean.startsWith('../') || clean.includes('\0'))
    throw unsafe(name, title);
  return clean;
}

function unsafe(name: string, title: string): SlipwayError {
  return new SlipwayError(
    'invalid_params',
    `${title} holds "${name}", which is neither a file, a folder nor a link within the project.`,
  );
}
