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
  readonly maxEntries?: number;
}

/**
 * Unpacks a project folder that a client sent, or another archive from outside. Nothing is written outside the folder: absolute
 * paths, `..`, links that lead out and device files end it.
 * @throws SlipwayError `invalid_params` for an unsafe or broken archive, `too_large` over the limit
 */
export async function expandUpload(tar: Readable, folder: string, rules: ArchiveRules = {}): Promise<void> {
  const { title = 'The upload', maxBytes = SOURCE_MAX_BYTES, maxEntries = MAX_ENTRIES } = rules;
  const unpack = extract();
  const broken = new AbortController();
  const feeding = pipeline(tar, unpack);
  // An entry whose archive ends within it would be waited for for ever.
  feeding.catch((error: unknown) => {
    broken.abort(error);
  });
  const place = { folder, title, links: new Set<string>(), signal: broken.signal };
  let entries = 0;
  let bytes = 0;
  try {
    for await (const entry of unpack) {
      entries += 1;
      const { name, size = 0 } = entry.header;
      if (!(size >= 0)) throw unsafe(name, title);
      bytes += size;
      if (bytes > maxBytes || entries > maxEntries) {
        throw new SlipwayError(
          'too_large',
          `${title} holds more than ${maxEntries} files or ${maxBytes / 2 ** 30} GB. Leave out what is not needed.`,
        );
      }
      await expandEntry(entry, place);
    }
    await feeding;
  } catch (error) {
    tar.destroy();
    if (error instanceof SlipwayError) throw error;
    const cause: unknown = broken.signal.aborted ? broken.signal.reason : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SlipwayError(
      'invalid_params',
      `${title} could not be unpacked: ${reason}. Make it once more.`,
      { cause },
    );
  }
}

/** Where an archive is unpacked to. */
interface Place {
  readonly folder: string;
  readonly title: string;
  /** The links so far: nothing is written through them. */
  readonly links: Set<string>;
  /** Aborted when the archive ends before its time. */
  readonly signal: AbortSignal;
}

async function expandEntry(entry: Entry, { folder, title, links, signal }: Place): Promise<void> {
  const { header } = entry;
  const name = safeName(header.name, title);
  const parts = comparable(name).split('/');
  if (parts.some((_, at) => at > 0 && links.has(parts.slice(0, at).join('/')))) throw unsafe(name, title);
  const target = join(folder, name);
  if (header.type === 'directory') {
    await mkdir(target, { recursive: true });
  } else if (header.type === 'file') {
    await mkdir(dirname(target), { recursive: true });
    const mode = ((header.mode ?? 0) & 0o100) === 0 ? 0o644 : 0o755;
    await pipeline(entry as AsyncIterable<Uint8Array>, createWriteStream(target, { mode, flags: 'wx' }), {
      signal,
    });
    return;
  } else if (header.type === 'symlink') {
    const lead = header.linkname ?? '';
    if (lead.startsWith('/')) throw unsafe(name, title);
    safeName(posix.join(posix.dirname(name), lead), title);
    await mkdir(dirname(target), { recursive: true });
    await symlink(lead, target);
    links.add(comparable(name));
  } else {
    throw unsafe(name, title);
  }
  entry.resume();
}

/** One spelling for names that some file systems take for the same. */
function comparable(name: string): string {
  return name.replace(/\/$/, '').normalize('NFC').toLowerCase();
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
