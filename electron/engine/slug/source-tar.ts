import { spawn } from 'node:child_process';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import tar from 'tar-stream';
import { BuildFailure } from './failure.ts';

/** An archive that is being made, and how that went: `source_unreadable` when it did not; `done` has to be awaited. */
export interface SourceTar {
  readonly tar: Readable;
  readonly done: Promise<void>;
}

interface Entry {
  readonly header: Partial<tar.Header> & { readonly name: string };
  readonly content: Buffer;
}

/** Packs few, small files of a folder, sooner than a program would have started. */
export function packOf(folder: string, paths: readonly string[]): SourceTar {
  const archive = tar.pack();
  const pack = async (): Promise<void> => {
    const entries = await Promise.all(paths.map((path) => readEntry(folder, path)));
    for (const { header, content } of entries) archive.entry(header, content);
    archive.finalize();
  };
  const done = pack().catch((error: unknown) => {
    throw unreadable(error instanceof Error ? error.message : String(error), error);
  });
  const packed = done.then(
    () => archive as AsyncIterable<Buffer>,
    () => [],
  );
  return { tar: Readable.from(flatten(packed), { objectMode: false }), done };
}

async function* flatten(chunks: Promise<AsyncIterable<Buffer> | Iterable<Buffer>>): AsyncIterable<Buffer> {
  yield* await chunks;
}

async function readEntry(folder: string, path: string): Promise<Entry> {
  const full = join(folder, path);
  const facts = await lstat(full);
  const header = { name: `./${path}`, mode: facts.mode & 0o7777, mtime: facts.mtime };
  if (facts.isFile()) return { header, content: await readFile(full) };
  // To read what has become a pipe meanwhile would never end.
  if (!facts.isSymbolicLink()) throw new Error(`${path} is no file any more`);
  return { header: { ...header, type: 'symlink', linkname: await readlink(full) }, content: Buffer.alloc(0) };
}

function unreadable(reason: string, cause?: unknown): BuildFailure {
  return new BuildFailure('source_unreadable', `The source could not be read: ${reason}.`, cause);
}

/** Has the system's tar pack files of a folder. Its exit code 1 says that a file changed meanwhile, which is nobody's fault. */
export function tarOf(folder: string, paths: readonly string[]): SourceTar {
  const child = spawn('tar', ['--null', '-T', '-', '-cf', '-'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < 4_096) complaint += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(paths.map((path) => `./${path}\0`).join(''));
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', (error) => {
      reject(
        new BuildFailure(
          'source_unreadable',
          `The program tar could not be started: ${error.message}. Install tar.`,
          error,
        ),
      );
    });
    child.on('close', (code) => {
      if (code === 0 || (code === 1 && !/cannot open|permission denied/i.test(complaint))) resolve();
      else reject(unreadable(complaint.trim()));
    });
  });
  done.catch(() => undefined);
  return { tar: child.stdout, done };
}
