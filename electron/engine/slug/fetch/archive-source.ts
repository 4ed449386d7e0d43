import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { SlipwayError } from '#shared/errors.ts';
import { expandUpload } from '../upload.ts';
import { FetchError } from './fetch-error.ts';

/** Largest buildpack, unpacked, in bytes. */
export const BUILDPACK_MAX_BYTES = 512 * 1024 * 1024;
/** What tar adds to the files: a head for each, and ends. */
const TAR_OVERHEAD = 128 * 1024 * 1024;

/** An archive that was unpacked. */
export interface FetchedArchive {
  /** Of the archive, lower-case hex. */
  readonly sha256: string;
  /** How the server names this content, or null. */
  readonly etag: string | null;
}

/**
 * Downloads a gzipped tar and unpacks it into a folder that does not exist.
 * @param etag of what is there already
 * @returns null when the server says that this is still what it has
 * @throws FetchError
 */
export async function fetchArchive(
  url: string,
  folder: string,
  etag: string | null,
  signal: AbortSignal,
): Promise<FetchedArchive | null> {
  const opened = await openArchive(url, etag, signal);
  if (opened === null) return null;
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await mkdir(folder, { recursive: true });
  const tar = new PassThrough();
  const limit = limited(BUILDPACK_MAX_BYTES + TAR_OVERHEAD);
  const reading = pipeline(opened.body, hashed, createGunzip(), limit, tar, { signal });
  reading.catch(() => undefined);
  try {
    await expandUpload(tar, folder, { title: 'The archive', maxBytes: BUILDPACK_MAX_BYTES });
    await reading;
  } catch (error) {
    throw asFetchError(error);
  }
  await liftSingleFolder(folder);
  return { sha256: hash.digest('hex'), etag: opened.etag };
}

async function openArchive(
  url: string,
  etag: string | null,
  signal: AbortSignal,
): Promise<{ body: Readable; etag: string | null } | null> {
  if (/^file:/i.test(url)) {
    const path = fileURLToPath(url);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() !== true) throw new FetchError('there is no such file', true);
    return { body: createReadStream(path), etag: null };
  }
  const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
  const answer = await fetch(url, { signal, headers }).catch((error: unknown) => {
    throw new FetchError(reasonOf(error), false, error);
  });
  if (answer.status === 304 && etag !== null) {
    await answer.body?.cancel();
    return null;
  }
  if (!answer.ok || answer.body === null) {
    await answer.body?.cancel();
    throw new FetchError(`the server answered with status ${answer.status}`, answer.status < 500);
  }
  return { body: Readable.fromWeb(answer.body), etag: answer.headers.get('etag') };
}

function limited(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new FetchError(`unpacked it is larger than ${maxBytes / 2 ** 20} MB`, true));
      else done(null, chunk);
    },
  });
}

function asFetchError(error: unknown): FetchError {
  if (error instanceof FetchError) return error;
  if (error instanceof SlipwayError && error.cause instanceof Error && !(error.cause instanceof FetchError))
    return new FetchError(`it could not be unpacked: ${error.cause.message}`, false, error);
  if (error instanceof SlipwayError && error.cause instanceof FetchError) return error.cause;
  const text = error instanceof SlipwayError ? error.message.replace(/^The archive/, 'it') : reasonOf(error);
  return new FetchError(text.replace(/\. .*$/s, ''), error instanceof SlipwayError, error);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

/** Archives that code hosts make have one folder, and the buildpack in it. */
async function liftSingleFolder(folder: string): Promise<void> {
  const [only, ...others] = await readdir(folder);
  if (only === undefined || others.length > 0 || only === 'bin') return;
  if (!(await stat(join(folder, only, 'bin')).catch(() => null))?.isDirectory()) return;
  const lifted = `${folder}.lifted`;
  await rename(join(folder, only), lifted);
  await rm(folder, { recursive: true, force: true });
  await rename(lifted, folder);
}
