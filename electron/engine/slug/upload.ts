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

/**
 * Unpacks a project folder that a client sent. Nothing is written outside the folder: absolute paths, `..`,
 * links that lead out and device files end it.
 * @throws SlipwayError `invalid_params` for an unsafe or broken archive, `too_large` over the source limit
 */
export async function expandUpload(tar: Readable, folder: string): Promise<void> {
  const unpack = extract();
  const feeding = pipeline(tar, unpack);
  feeding.catch(() => undefined);
  let entries = 0;
  let bytes = 0;
  try {
    for await (const entry of unpack) {
      entries += 1;
      bytes += entry.header.size ?? 0;
      if (bytes > SOURCE_MAX_BYTES || entries > MAX_ENTRIES) {
        throw new SlipwayError(
          'too_large',
          `The upload holds more than ${MAX_ENTRIES} files or ${SOURCE_MAX_BYTES / 2 ** 30} GB. Leave out what the app does not need.`,
        );
      }
      await expandEntry(entry, folder);
    }
    await feeding;
  } catch (error) {
    tar.destroy();
    if (error instanceof SlipwayError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError(
      'invalid_params',
      `The upload could not be unpacked: ${reason}. Send the folder once more.`,
      { cause: error },
    );
  }
}

async function expandEntry(entry: Entry, folder: string): Promise<void> {
  const { header } = entry;
  const name = safeName(header.name);
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
    if (lead.startsWith('/')) throw unsafe(name);
    safeName(posix.join(posix.dirname(name), lead));
    await mkdir(dirname(target), { recursive: true });
    await symlink(lead, target);
  } else {
    throw unsafe(name);
  }
  entry.resume();
}

function safeName(name: string): string {
  const clean = posix.normalize(name.replace(/^\.\//, ''));
  if (clean.startsWith('/') || clean === '..' || clean.startsWith('../') || clean.includes('\0'))
    throw unsafe(name);
  return clean;
}

function unsafe(name: string): SlipwayError {
  return new SlipwayError(
    'invalid_params',
    `The upload holds "${name}", which is neither a file, a folder nor a link within the project.`,
  );
}
