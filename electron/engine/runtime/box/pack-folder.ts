import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { type PackedPart, RuntimeError } from '../runtime.ts';
import { scanTree, type TreeEntry } from './scan-tree.ts';
import { TAR_END, TarBody } from './tar-body.ts';
import { probe, toolEnd, toRuntimeError } from './tools.ts';

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
/** Compressed bytes of the part after the current one that may wait in memory. */
const AHEAD_BYTES = 16 * 1024 * 1024;

/**
 * Archives a folder as a slug (see `SlugPart`): zstd tar, entries below `./app/`, sorted, owner 1000:1000.
 * Heavy folders are parts of their own, sorted by name; the rest is the last part and ends the tar.
 * Two parts are worked on at a time. Sockets, pipes and devices are left out.
 * @throws RuntimeError `failed` when a file cannot be read
 */
export async function* packFolder(options: PackFolderOptions): AsyncGenerator<PackedPart, void, void> {
  const groups = splitParts(await scanTree(options.folder));
  const jobs: PartJob[] = [];
  try {
    for (const [index, entries] of groups.entries()) {
      jobs.push(new PartJob(options.folder, entries, index === groups.length - 1));
    }
    if (options.known.size === 0) for (const job of jobs.slice(0, 2)) job.start();
    for (const job of jobs) await job.computeKey(options.byContent);
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
    if (isFolder && top.entries.length > 1 && (HEAVY_NAMES.has(name) || top.bytes >= HEAVY_BYTES)) heavy.push(top.entries);
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
  private bytes: Readable | null = null;
  private readonly abort = new AbortController();
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
  start(): Readable {
    this.bytes ??= this.run();
    return this.bytes;
  }

  stop(): void {
    this.abort.abort();
    this.bytes?.destroy();
  }

  private run(): Readable {
    const out = createZstdCompress({
      chunkSize: 256 * 1024,
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    });
    const ahead = new Transform({
      readableHighWaterMark: AHEAD_BYTES,
      transform(chunk, _encoding, done) {
        done(null, chunk);
      },
    });
    void pipeline(out, ahead).catch(() => undefined);
    void this.fill(out).catch((error: unknown) => {
      ahead.destroy(toRuntimeError('archiving the slug', error));
    });
    return ahead;
  }

  private async fill(out: Transform): Promise<void> {
    const { command, args } = await tarWriter();
    const child = spawn(command, args, {
      cwd: this.folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, COPYFILE_DISABLE: '1', LC_ALL: 'C' },
      signal: this.abort.signal,
    });
    const end = toolEnd('archiving the slug', child, changedWhileRead);
    end.catch((error: unknown) => out.destroy(error as Error));
    const root: TreeEntry[] = this.last ? [{ type: 'd', mode: 0, size: 0, modified: '', path: '.', link: '' }] : [];
    child.stdin.on('error', () => undefined).end(list([...root, ...this.entries]));
    await pipeline(child.stdout, new TarBody(), out, { end: false, signal: this.abort.signal });
    await end;
    if (this.last) out.write(TAR_END);
    out.end();
  }
}

/** Names for `tar -T -` and `xargs -0`. */
function list(entries: readonly TreeEntry[]): Buffer {
  return Buffer.from(entries.map((entry) => `${entry.path}\0`).join(''), 'latin1');
}

/** GNU tar ends with 1 when a file changed under its hands, for instance a log that a forgotten process writes. */
function changedWhileRead(code: number, complaint: string): boolean {
  return code === 1 && complaint.split('\n').every((line) => line === '' || line.includes('changed as we read it'));
}

interface TarCommand {
  readonly command: string;
  readonly args: readonly string[];
}

let writer: Promise<TarCommand> | undefined;

/** How the system's tar writes named entries below `./app` to its output. */
function tarWriter(): Promise<TarCommand> {
  writer ??= probe('tar', ['--version']).then((version) => {
    if (version === null) throw new RuntimeError('failed', 'archiving the slug needs the command "tar": install it.');
    const gnu = ['--no-recursion', '--null', '--no-unquote', '--files-from=-', '--format=gnu', '--hard-dereference'];
    gnu.push('--owner=1000', '--group=1000', '--numeric-owner', String.raw`--transform=flags=rhS;s,^\.,./app,`);
    const bsd = ['-n', '--null', '-T', '-', '--format', 'gnutar', '--uid', '1000', '--gid', '1000'];
    bsd.push('--uname', '', '--gname', '', '--no-xattrs', '--no-acls', '--no-fflags', '-s', String.raw`,^\.,./app,S`);
    const style = version.includes('GNU tar') ? gnu : bsd;
    return { command: 'tar', args: ['-c', '-b', '128', '-f', '-', ...style] };
  });
  return writer;
}
