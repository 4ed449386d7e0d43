import { execFile } from 'node:child_process';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BuildFailure } from './failure.ts';

/** Files of a project folder that belong to its source, as paths relative to it, and where they come from. */
export interface SourceList {
  readonly paths: readonly string[];
  /** Commit that is checked out, or null. */
  readonly commit: string | null;
  /** True when files differ from the commit. */
  readonly changed: boolean;
  /** Sentences for the build log. */
  readonly notes: readonly string[];
}

/**
 * Lists what belongs to the source: by git in a work tree (tracked, and untracked but not ignored), else everything but `.git`.
 * @throws BuildFailure source_unreadable, and source_too_large over `maxFiles`
 */
export async function listSource(folder: string, maxFiles = Number.POSITIVE_INFINITY): Promise<SourceList> {
  const byGit = await listByGit(folder);
  return byGit !== null && byGit.paths.length > 0 ? byGit : listByWalk(folder, maxFiles);
}

async function listByGit(folder: string): Promise<SourceList | null> {
  if (!(await isInRepository(folder))) return null;
  const [files, status] = await Promise.all([
    git(folder, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']),
    git(folder, ['status', '--porcelain=v2', '--branch', '--untracked-files=normal', '--', '.']),
  ]);
  if (files === null) return null;
  const lines = (status ?? '').split('\n').filter((line) => line !== '');
  const paths = [...new Set(files.split('\0').filter((path) => path !== ''))];
  return {
    paths: await openNested(folder, paths),
    commit: /^# branch\.oid ([0-9a-f]+)$/m.exec(status ?? '')?.[1] ?? null,
    changed: status === null || lines.some((line) => !line.startsWith('# ')),
    notes: [],
  };
}

/** Whether a folder or one above it has a `.git`; to ask git takes much longer. */
async function isInRepository(folder: string): Promise<boolean> {
  const places = [await realpath(folder)];
  for (let at = places[0] ?? ''; dirname(at) !== at; at = dirname(at)) places.push(dirname(at));
  const found = await Promise.all(places.map((at) => lstat(join(at, '.git')).catch(() => null)));
  return found.some((each) => each !== null);
}

/** git names a repository within the work tree (a submodule) as one entry with a slash, or as a folder: its files are listed too. */
async function openNested(folder: string, paths: readonly string[]): Promise<string[]> {
  const nested = paths.filter((path) => path.endsWith('/'));
  if (nested.length === 0) return [...paths];
  const inner = await Promise.all(
    nested.map(async (path) => {
      const list = await listSource(join(folder, path));
      return list.paths.map((each) => `${path}${each}`);
    }),
  );
  return [...paths.filter((path) => !path.endsWith('/')), ...inner.flat()];
}

/** Output of a git command in the folder; null when git is missing or refuses. */
function git(folder: string, args: readonly string[]): Promise<string | null> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };
  return new Promise((resolve) => {
    execFile(
      'git',
      ['-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', '-C', folder, ...args],
      { env, maxBuffer: 256 * 1024 * 1024 },
      (error, stdout) => {
        resolve(error ? null : stdout);
      },
    );
  });
}

async function listByWalk(folder: string, maxFiles: number): Promise<SourceList> {
  const paths: string[] = [];
  const notes: string[] = [];
  const waiting = [''];
  for (let prefix = waiting.pop(); prefix !== undefined; prefix = waiting.pop()) {
    const entries = await readFolder(folder, prefix);
    const rebuilt = prefix === '' && entries.some((entry) => entry.name === 'package.json');
    for (const entry of entries) {
      const path = `${prefix}${entry.name}`;
      if (entry.name === '.git') continue;
      if (rebuilt && entry.name === 'node_modules') {
        notes.push('node_modules is left out: the buildpack installs it anew.');
      } else if (entry.isDirectory()) waiting.push(`${path}/`);
      else paths.push(path);
    }
    if (paths.length > maxFiles) throw tooMany(folder, maxFiles);
  }
  return { paths, commit: null, changed: true, notes };
}

function tooMany(folder: string, maxFiles: number): BuildFailure {
  return new BuildFailure(
    'source_too_large',
    `The folder ${folder} has more than ${maxFiles} files. Name the folder of one project.`,
  );
}

async function readFolder(folder: string, prefix: string) {
  const path = join(folder, prefix);
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw new BuildFailure(
      'source_unreadable',
      `The folder ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}. Allow yourself to read it, and deploy again.`,
      error,
    );
  }
}
