import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { RuntimeError } from '../runtime.ts';
import { TAR_END } from './tar-entries.ts';
import { cancelled, toolEnd, toRuntimeError } from './tools.ts';
import { decompressZstd } from './zstd-frames.ts';

/** How the system's tar unpacks its input: owned by the user, modes by the user's umask, no setuid bits. */
export const UNPACK = ['-x', '--no-same-owner', '--no-same-permissions', '-f', '-', '-C'] as const;

/**
 * Expands a part of a slug archive (or a whole one) into an empty folder; what is `./app/x` in the archive is
 * `app/x` there. Refused are entries outside of `app`, devices, hard links that lead outside, and entries that would be
 * written through a symbolic link. Symbolic links themselves may point anywhere: nothing here follows them.
 * @param what names the step in errors
 * @throws RuntimeError `failed`, `disk_full` or `cancelled`; the folder is then half filled and to be removed
 */
export async function expandSlug(
  what: string,
  archive: Readable,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) throw cancelled(what);
  const tar = spawn('tar', [...UNPACK, folder], {
    stdio: ['pipe', 'ignore', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  tar.stdin.on('error', () => undefined);
  const unpacked = toolEnd(what, tar);
  const check = new EntryCheck();
  const checked = check.finished;
  try {
    await Promise.all([unpacked, checked, feed(archive, check, tar.stdin)]);
    if (check.problem !== null) throw check.problem;
  } catch (error) {
    tar.kill('SIGKILL');
    check.tar.destroy();
    await Promise.allSettled([unpacked, checked]);
    if (signal.aborted) throw cancelled(what);
    throw toRuntimeError(what, check.problem ?? error);
  } finally {
    archive.destroy();
  }
}

async function feed(archive: Readable, check: EntryCheck, stdin: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of decompressZstd(archive)) {
    await put(check.tar, chunk);
    if (check.problem !== null) throw check.problem;
    await put(stdin, chunk);
  }
  check.tar.end(TAR_END);
  await put(stdin, TAR_END);
  stdin.end();
}

/**
 * Drops what a stream no longer takes: whether it ended well is told elsewhere. The system's tar ends before its input
 * does when the archive fills its last record of 10 KB.
 */
async function put(stream: NodeJS.WritableStream, chunk: Buffer): Promise<void> {
  if (stream.write(chunk) || !stream.writable) return;
  const stop = new AbortController();
  await Promise.race([
    once(stream, 'drain', { signal: stop.signal }),
    once(stream, 'close', { signal: stop.signal }),
  ]).finally(() => {
    stop.abort();
  });
}

/** Looks at every entry of a tar. */
class EntryCheck {
  readonly tar = extract();
  readonly finished: Promise<void>;
  problem: RuntimeError | null = null;
  private readonly links = new Set<string>();

  constructor() {
    this.tar.on('entry', (header, stream, next) => {
      const reason = this.refusal(header);
      if (reason !== null) this.problem ??= new RuntimeError('failed', `The archive was refused: ${reason}.`);
      stream.on('end', next);
      stream.resume();
    });
    this.finished = new Promise((resolve, reject) => {
      this.tar.once('finish', resolve);
      this.tar.once('error', reject);
      this.tar.once('close', () => {
        reject(new Error('the archive ends in the middle'));
      });
    });
  }

  private refusal(header: Header): string | null {
    const name = JSON.stringify(header.name);
    const path = insideApp(header.name);
    if (path === null) return `its entry ${name} lies outside of "app"`;
    if (!KINDS.has(header.type ?? 'file')) return `its entry ${name} is a ${header.type ?? 'thing'}`;
    if (this.passesLink(path)) return `its entry ${name} would be written through a symbolic link`;
    if (header.type === 'link' && insideApp(header.linkname ?? '/') === null)
      return `its hard link ${name} leads outside`;
    if (header.type === 'symlink') this.links.add(path);
    return null;
  }

  private passesLink(path: string): boolean {
    if (this.links.size === 0) return false;
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (this.links.has(path.slice(0, end))) return true;
    }
    return false;
  }
}

const KINDS = new Set(['file', 'directory', 'symlink', 'link', 'contiguous-file']);

/** The path without `.` parts, in one case where the file system knows only one; null when it is not `app` or below it. */
function insideApp(name: string): string | null {
  if (name.startsWith('/')) return null;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || (parts.length > 0 && parts[0] !== 'app')) return null;
  const path = parts.join('/');
  return process.platform === 'darwin' ? path.normalize('NFC').toLowerCase() : path;
}
