import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { SHARED_PART } from '../runtime.ts';

/** Directories of this size, or with this many entries, are parts of their own. */
const HEAVY_BYTES = 4 * 1024 * 1024;
const HEAVY_ENTRIES = 400;
/** Top-level folders whose sub-folders are looked at one by one: small changing files live beside big fixed ones there. */
const DEEPER = new Set(['.heroku', 'vendor']);
/** Folders that are a part of their own at any size. */
const ALWAYS_APART = new Set(['./node_modules']);
/** The library of a runtime, the same in many apps, and the packages of one app that are inside of it. */
const LIBRARY = './.heroku/python/lib';
const PACKAGES = /^[^/]+\/site-packages(\/|$)/;
/** Folders with both: they are in both parts. */
const AROUND_PACKAGES = /^\.\/\.heroku\/python\/lib(\/[^/]+)?$/;

/**
 * Has `find` print entries for `parseListing`. Inode number and time of the last change of the inode
 * name a file's content: they survive when a folder above it is moved, and nobody can set them.
 */
export const PRINT_ENTRIES = String.raw`\( -type d -printf 'd %m 0 0 0 %p//\0' -o -type f -printf 'f %m %s %T@ %i:%C@ %p//\0' -o -type l -printf 'l 777 0 0 0 %p//%l\0' \)`;

/** A file, directory or symbolic link below BUILD_DIR. */
export interface Entry {
  readonly kind: 'd' | 'f' | 'l';
  readonly mode: string;
  readonly size: number;
  /** Time of the last change in seconds, with nine decimals. */
  readonly mtime: string;
  /** Changes whenever the file does; names one state of one file in its file system. */
  readonly identity: string;
  /** Starts with `./`; bytes as latin1. */
  readonly path: string;
  readonly target: string;
}

/** Entries that make one part of a slug, in the order in which they are archived. */
export interface PartPlan {
  /** The directory that it is of; empty for the last one. */
  readonly folder: string;
  readonly entries: readonly Entry[];
  /** True for the part that ends the archive. */
  readonly last: boolean;
}

/** Reads what `find` printed with PRINT_ENTRIES. Names are kept as bytes. */
export function parseListing(output: Buffer): Entry[] {
  const records = output.toString('latin1').split('\0');
  records.pop();
  return records.map((record) => {
    const fields = record.split(' ', 5);
    const rest = record.slice(fields.join(' ').length + 1);
    const border = rest.indexOf('//');
    const [kind = 'f', mode = '644', size = '0', mtime = '0', identity = ''] = fields;
    return {
      kind: kind as Entry['kind'],
      mode,
      size: Number(size),
      mtime,
      identity,
      path: rest.slice(0, border),
      target: rest.slice(border + 2),
    };
  });
}

/** An entry as `find` printed it, in latin1. */
export function printEntry({ kind, mode, size, mtime, identity, path, target }: Entry): string {
  return `${kind} ${mode} ${String(size)} ${mtime} ${identity} ${path}//${target}\0`;
}

/**
 * Splits entries into parts: each heavy directory is one, with those above it first, and named first; all the rest is the last.
 * The same tree is always split the same way.
 */
export function planParts(entries: readonly Entry[]): PartPlan[] {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const folders = new Map(sorted.filter(({ kind }) => kind === 'd').map((entry) => [entry.path, entry]));
  const groups = new Map<string, Entry[]>();
  const add = (folder: string, entry: Entry): void => {
    const group = groups.get(folder);
    if (group) group.push(entry);
    else groups.set(folder, [entry]);
  };
  for (const entry of sorted) {
    if (entry.kind === 'd' && AROUND_PACKAGES.test(entry.path)) add(posix.dirname(LIBRARY), entry);
    add(groupOf(entry.path, folders), entry);
  }
  const parts: PartPlan[] = [];
  const rest: Entry[] = [];
  for (const [folder, group] of groups) {
    if (folder !== '' && (isHeavy(group) || ALWAYS_APART.has(folder))) {
      parts.push({ folder, entries: [...above(folder, folders), ...group], last: false });
    } else {
      for (const entry of group) rest.push(entry);
    }
  }
  const once = [...new Set(rest)].sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...parts, { folder: '', entries: once, last: true }];
}

/** The directories that a directory is in, outermost first. */
function above(folder: string, folders: ReadonlyMap<string, Entry>): Entry[] {
  const names = folder.split('/').slice(1, -1);
  const paths = names.map((_, at) => ['.', ...names.slice(0, at + 1)].join('/'));
  return paths.flatMap((path) => folders.get(path) ?? []);
}

/** The directory that an entry is counted to, or '' when it belongs to the rest. */
function groupOf(path: string, folders: ReadonlyMap<string, Entry>): string {
  const first = path.indexOf('/', 2);
  const top = first < 0 ? path : path.slice(0, first);
  if (!DEEPER.has(top.slice(2))) return folders.has(top) ? top : '';
  if (first < 0) return '';
  if (isOfLibrary(path)) return LIBRARY;
  const second = path.indexOf('/', first + 1);
  const folder = second < 0 ? path : path.slice(0, second);
  return folders.has(folder) ? folder : '';
}

function isOfLibrary(path: string): boolean {
  if (!path.startsWith(LIBRARY)) return false;
  const inside = path.slice(LIBRARY.length);
  return inside === '' || (inside.startsWith('/') && !PACKAGES.test(inside.slice(1)));
}

function isHeavy(group: readonly Entry[]): boolean {
  if (group.length >= HEAVY_ENTRIES) return true;
  return group.reduce((sum, entry) => sum + entry.size, 0) >= HEAVY_BYTES;
}

/**
 * True when name, size and time do not tell a file's content: times without a fraction come from archives,
 * which give the same one to many versions of a file.
 */
export function needsDigest(entry: Entry): boolean {
  return (
    entry.kind === 'f' && entry.size > 0 && Number(entry.mtime.slice(entry.mtime.indexOf('.') + 1)) === 0
  );
}

/** Identity under which a digest may be remembered. */
export function digestKey(entry: Entry): string {
  return `${entry.identity} ${String(entry.size)} ${entry.mtime}`;
}

/** Key of a part, see `SlugPart`. `digests` has those of all entries that need one, by path. */
export function partKey(part: PartPlan, digests: ReadonlyMap<string, string>): string {
  const lines = [part.last ? 'slug-part-1 last\0' : 'slug-part-1\0'];
  for (const entry of part.entries) {
    const content = digests.get(entry.path) ?? '';
    const facts = [
      entry.kind,
      entry.mode,
      String(entry.size),
      entry.mtime,
      content,
      entry.path,
      entry.target,
    ];
    lines.push(`${facts.join('\0')}\0`);
  }
  const byContent = part.entries.every(
    (entry) => entry.kind !== 'f' || entry.size === 0 || needsDigest(entry),
  );
  return `${byContent && !part.last ? SHARED_PART : ''}${createHash('sha256').update(lines.join(''), 'latin1').digest('hex')}`;
}

const blocks = (bytes: number): number => Math.ceil(bytes / 512) * 512;

/** Bytes of a GNU tar with these entries below `./app`, without its end: used to cut the end off. */
export function tarBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) {
    const name = './app'.length + entry.path.length - 1 + (entry.kind === 'd' ? 1 : 0);
    bytes += 512 + blocks(entry.size);
    if (name > 100) bytes += 512 + blocks(name + 1);
    if (entry.target.length > 100) bytes += 512 + blocks(entry.target.length + 1);
  }
  return bytes;
}
