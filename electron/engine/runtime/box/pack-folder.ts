import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, createZstdCompress, type ZstdCompress, type ZstdOptions } from 'node:zlib';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PackedPart } from '../runtime.ts';
import { scanTree, type TreeEntry } from './scan-tree.ts';
import { TAR_END, tarEntries } from './tar-entries.ts';
import { toolEnd, toRuntimeError } from './tools.ts';

/** What to archive. */
export interface PackFolderOptions {
  readonly folder: string;
  /** Keys of parts that come without bytes. */
  readonly known: ReadonlySet<string>;
  /**
   * Names at the top of the folder whose files may change and keep size and time, such as what came with the
   * source: their content goes into the key. All else goes by path, mode, size and time in nanoseconds.
   */
  readonly byContent: ReadonlySet<string>;
}

/** Folders at the top that buildpacks restore from the cache, however small. */
const HEAVY_NAMES = new Set(['.heroku', 'node_modules', 'vendor']);
/** A folder at the top of this many bytes is a part of its own. */
const HEAVY_BYTES = 4 * 1024 * 1024;
/** Compressed bytes that the compressor gives at a time, at most. */
const CHUNK_BYTES = 2 * 1024 * 1024;
/** Compressed chunks of a part that may wait in memory. */
const AHEAD = 16;

/**
 * Archives a folder as a slug (see `SlugPart`): zstd tar, entries below `./app/`, sorted, owner 1000:1000.
 * Heavy folders are parts of their own, sorted by name; the rest is the last part and ends the tar.
 * Two parts are worked on at a time. Sockets, pipes and devices are left out.
 * @throws RuntimeError `failed` when a file cannot be read
 */
export async function* packFolder(options: PackFolderOptions): AsyncGenerator<PackedPart, void, void> {
  const entries = await scanTree(options.folder);
  await nextTurn();
  const groups = splitParts(entries);
  const jobs: PartJob[] = [];
  try {
    for (const [index, group] of groups.entries()) {
      jobs.push(new PartJob(options.folder, group, index === groups.length - 1));
    }
    if (options.known.size === 0) for (const job of jobs.slice(0, 2)) job.start();
    for (const job of jobs) {
      await nextTurn();
      await job.computeKey(options.byContent);
    }
    const wanted = jobs.filter((job) => !options.known.has(job.key));
    for (const job of jobs) {
      const place = wanted.indexOf(job);
      if (place < 0) {
        yield { key: job.key, bytes: null };
        continue;
      }
      const bytes = job.start();
      wanted[place + 1]?.start();
      yield { key: job.key, bytes };
    }
  } finally {
    for (const job of jobs) job.stop();
  }
}

/** Entries of each part, in the order of the archive. */
function splitParts(entries: readonly TreeEntry[]): TreeEntry[][] {
  const tops = new Map<string, { entries: TreeEntry[]; bytes: number }>();
  for (const entry of entries) {
    if (!'fdl'.includes(entry.type)) continue;
    const name = topName(entry);
    const top = tops.get(name) ?? { entries: [], bytes: 0 };
    top.entries.push(entry);
    if (entry.type === 'f') top.bytes += entry.size;
    tops.set(name, top);
  }
  const heavy: TreeEntry[][] = [];
  const rest: TreeEntry[] = [];
  for (const [name, top] of tops) {
    const isFolder = top.entries[0]?.type === 'd';
    if (isFolder && top.entries.length > 1 && (HEAVY_NAMES.has(name) || top.bytes >= HEAVY_BYTES))
      heavy.push(top.entries);
    else for (const entry of top.entries) rest.push(entry);
  }
  return [...heavy, rest];
}

function topName(entry: TreeEntry): string {
  const end = entry.path.indexOf('/', 2);
  return entry.path.slice(2, end < 0 ? undefined : end);
}

/** Makes one part. */
class PartJob {
  key = '';
  private bytes: ZstdCompress | null = null;
  private readonly folder: string;
  private readonly entries: readonly TreeEntry[];
  private readonly last: boolean;

  constructor(folder: string, entries: readonly TreeEntry[], last: boolean) {
    this.folder = folder;
    this.entries = entries;
    this.last = last;
  }

  async computeKey(byContent: ReadonlySet<string>): Promise<void> {
    const hash = createHash('sha256').update(this.last ? 'rest 1\0' : 'part 1\0');
    const names = new Set([...byContent].map((name) => Buffer.from(name).toString('latin1')));
    const read: TreeEntry[] = [];
    const records = this.entries.map((entry) => {
      const { type, mode, path, link, size, modified } = entry;
      if (type !== 'f') return `${type}\0${String(mode)}\0${path}\0${link}\n`;
      const whole = names.has(topName(entry));
      if (whole) read.push(entry);
      return `f\0${String(mode)}\0${path}\0${String(size)}\0${whole ? 'content' : modified}\n`;
    });
    hash.update(records.join(''), 'latin1');
    if (read.length > 0) {
      const child = spawn('xargs', ['-0', 'cat'], { cwd: this.folder, stdio: ['pipe', 'pipe', 'pipe'] });
      const end = toolEnd('reading the files of the build', child);
      child.stdin.on('error', () => undefined).end(list(read));
      child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
      await end;
    }
    this.key = hash.digest('hex');
  }

  /** Starts the work once; the answer is the same each time. */
  start(): ZstdCompress {
    this.bytes ??= this.run();
    return this.bytes;
  }

  stop(): void {
    this.bytes?.destroy();
  }

  private run(): ZstdCompress {
    const out = createZstdCompress({
      chunkSize: CHUNK_BYTES,
      // Chunks stay as they are; as bytes all that wait would be joined to a new buffer first.
      readableObjectMode: true,
      readableHighWaterMark: AHEAD,
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    } as ZstdOptions);
    // Whoever reads it is told; a part that is made ahead has nobody yet.
    out.on('error', () => undefined);
    this.fill(out).catch((error: unknown) => {
      out.destroy(toRuntimeError('archiving the slug', error));
    });
    return out;
  }

  /** Compresses one piece while the next one is read. */
  private async fill(out: ZstdCompress): Promise<void> {
    let written = Promise.resolve();
    for await (const piece of this.tar()) {
      await written;
      written = write(out, piece);
      written.catch(() => undefined);
    }
    await written;
    out.end();
  }

  private async *tar(): AsyncGenerator<Buffer, void, void> {
    const root = { type: 'd', mode: 0o755, size: 0, modified: '0', identity: '', path: '.', link: '' };
    yield* tarEntries(this.folder, this.last ? [root, ...this.entries] : this.entries);
    if (this.last) yield TAR_END;
  }
}

/** Resolves when the compressor is done with the bytes. */
function write(out: ZstdCompress, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Names for `xargs -0`. */
function list(entries: readonly TreeEntry[]): Buffer {
  return Buffer.from(entries.map((entry) => `${entry.path}\0`).join(''), 'latin1');
}
