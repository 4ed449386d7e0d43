import type { BigIntStats } from 'node:fs';
import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, posix } from 'node:path';
import ignore from 'ignore';
import { SOURCE_MAX_BYTES } from '#shared/model/build.ts';
import { BuildFailure, systemCode } from './failure.ts';
import { detail, megabytes } from './output-text.ts';
import { listSource } from './source-list.ts';
import { openMarks } from './source-mark.ts';
import { packOf, type SourceTar, tarOf } from './source-tar.ts';

/** How many files are looked at at the same time. */
const PARALLEL = 64;
/** Largest file that the engine itself reads. */
const MAX_READ_BYTES = 1024 * 1024;
/** A source of so few files and bytes is packed without a program. */
const FEW_FILES = 100;
const FEW_BYTES = 1024 * 1024;
/** Most notes that a build log tells. */
const TOLD_NOTES = 20;

/** A project folder, looked through and ready to be compiled. */
export interface ProjectSource {
  readonly files: number;
  /** Their paths, in order. */
  readonly paths: readonly string[];
  /** What names the content of each file that was not changed just now, by path; see `openMarks`. */
  readonly marks: ReadonlyMap<string, string>;
  /** Sum of the files' sizes. */
  readonly bytes: number;
  readonly commit: string | null;
  /** True when files differ from the commit. */
  readonly changed: boolean;
  /** Files that `.slugignore` took away. */
  readonly slugIgnored: number;
  /** Sentences for the build log. */
  readonly notes: readonly string[];
  /**
   * Content of a file of the source, or null when there is none.
   * @throws BuildFailure source_unreadable when it is larger than 1 MiB
   */
  readFile(path: string): Promise<Buffer | null>;
  /** The files as one tar, or some of those below a folder. */
  openTar(part?: { readonly folder: string; readonly paths: readonly string[] }): SourceTar;
}

/** Differs from the platform's limits where a folder is only looked at, and in tests. */
export interface SourceLimits {
  readonly maxBytes?: number;
  readonly maxFiles?: number;
}

/**
 * Looks through a project folder: which files belong to the source, and whether they can be compiled.
 * Honours `.gitignore` in a git work tree, and `.slugignore`; never takes `.git` (reference: heroku-platform 2.1, 2.6).
 * @throws BuildFailure source_*
 */
export async function readSource(folder: string, limits: SourceLimits = {}): Promise<ProjectSource> {
  await checkFolder(folder);
  const [list, slugIgnore, mark] = await Promise.all([
    listSource(folder, limits.maxFiles),
    readSlugIgnore(folder),
    openMarks(folder),
  ]);
  const kept = withoutSlugIgnored(list.paths, slugIgnore);
  const found = await inspect(folder, kept, mark, limits.maxBytes ?? SOURCE_MAX_BYTES);
  if (found.paths.length === 0) {
    throw new BuildFailure(
      'source_empty',
      `The folder ${folder} has no files to deploy. Name the folder of a project.`,
    );
  }
  return {
    files: found.paths.length,
    paths: found.paths,
    marks: found.marks,
    bytes: found.bytes,
    commit: list.commit,
    changed: list.changed,
    slugIgnored: list.paths.length - kept.length,
    notes: [...list.notes, ...found.notes],
    readFile: async (path) => (found.paths.includes(path) ? readSmall(join(folder, path)) : null),
    openTar: (part) => {
      if (part !== undefined) return tarOf(join(folder, part.folder), part.paths);
      const few = found.paths.length <= FEW_FILES && found.bytes <= FEW_BYTES;
      return few ? packOf(folder, found.paths) : tarOf(folder, found.paths);
    },
  };
}

async function readSmall(path: string): Promise<Buffer | null> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return null;
    if (found.size > MAX_READ_BYTES) throw new Error(`it is larger than ${MAX_READ_BYTES} bytes`);
    return await readFile(path);
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(systemCode(error))) return null;
    throw unreadable(path, error);
  }
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') {
      throw new BuildFailure(
        'source_missing',
        `There is no folder ${folder}. Check the path, and deploy again.`,
        error,
      );
    }
    throw unreadable(folder, error);
  });
  if (!found.isDirectory()) {
    throw new BuildFailure('source_not_a_folder', `${folder} is not a folder. Name the folder of a project.`);
  }
}

async function readSlugIgnore(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, '.slugignore'), 'utf8');
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes(systemCode(error))) return '';
    throw unreadable(join(folder, '.slugignore'), error);
  }
}

/** `.slugignore` is like `.gitignore` without negation (reference: heroku-platform 2.6). */
function withoutSlugIgnored(paths: readonly string[], rules: string): readonly string[] {
  const lines = rules.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('!'));
  if (lines.length === 0) return paths;
  const filter = ignore().add(lines);
  return paths.filter((path) => !filter.ignores(path));
}

/** Looks at every file: counts, and refuses what cannot be compiled. */
async function inspect(
  folder: string,
  paths: readonly string[],
  mark: (stats: BigIntStats) => string | null,
  maxBytes: number,
): Promise<{ paths: string[]; marks: Map<string, string>; bytes: number; notes: string[] }> {
  const kept: string[] = [];
  const marks = new Map<string, string>();
  const notes: string[] = [];
  let bytes = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      const found = await inspectOne(folder, path);
      if (found === 'gone') continue;
      if (found === 'special') notes.push(`${path} is left out: it is neither a file, a folder nor a link.`);
      else {
        kept.push(path);
        bytes += Number(found?.size ?? 0);
        const name = found && mark(found);
        if (name !== null) marks.set(path, name);
        if (bytes > maxBytes) throw tooLarge(folder, maxBytes);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { paths: kept.sort(), marks, bytes, notes };
}

/** What the system knows of a file; null for a link, which has no size. */
async function inspectOne(folder: string, path: string): Promise<BigIntStats | null | 'gone' | 'special'> {
  if (path.includes('\uFFFD')) {
    throw new BuildFailure(
      'source_unreadable',
      `The name of ${path} is not UTF-8. Rename the file, and deploy again.`,
    );
  }
  const full = join(folder, path);
  try {
    const found = await lstat(full, { bigint: true });
    if (found.isSymbolicLink()) {
      checkLink(path, await readlink(full));
      return null;
    }
    if (found.isDirectory()) return 'gone';
    return found.isFile() ? found : 'special';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'gone';
    if (error instanceof BuildFailure) throw error;
    throw unreadable(full, error);
  }
}

function checkLink(path: string, target: string): void {
  const lead = posix.normalize(posix.join(posix.dirname(path), target.replaceAll('\\', '/')));
  if (!isAbsolute(target) && lead !== '..' && !lead.startsWith('../')) return;
  throw new BuildFailure(
    'source_unsafe',
    `The link ${path} leads out of the project, to ${normalize(target)}. A slug holds only what is in the folder: replace the link by what it leads to, or list it in .slugignore.`,
  );
}

/** The failure of a source over the limit. */
export function tooLarge(folder: string, maxBytes: number): BuildFailure {
  return new BuildFailure(
    'source_too_large',
    `The source in ${folder} is larger than ${megabytes(maxBytes)}. List what the app does not need in .slugignore or .gitignore.`,
  );
}

function unreadable(path: string, error: unknown): BuildFailure {
  const reason = error instanceof Error ? error.message : String(error);
  return new BuildFailure(
    'source_unreadable',
    `${path} cannot be read: ${reason}. Allow yourself to read it, or list it in .slugignore.`,
    error,
  );
}

/** Writes the notes of a source into the build log. */
export function tellNotes({ notes }: Pick<ProjectSource, 'notes'>, output: (text: string) => void): void {
  for (const note of notes.slice(0, TOLD_NOTES)) output(detail(note));
}
