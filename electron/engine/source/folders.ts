import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

/** Most folders that are listed. */
const MAX_FOLDERS = 200;

/** A path as people write it: `~` and `~/…` are the home folder. */
export function expandHome(path: string, home = homedir()): string {
  return path === '~' || /^~[/\\]/.test(path) ? join(home, path.slice(1)) : path;
}

/**
 * Folders for a path field that completes: those below a folder, or, when the path names none, those of its parent that
 * begin with its last part (in any case of letters). Hidden ones are left out. What cannot be read has no folders.
 * @param path nothing is the home folder, relative paths begin there
 * @returns the folder that was listed, and the names of folders in it, sorted
 */
export async function listFolders(
  path: string,
  home = homedir(),
): Promise<{ path: string; folders: string[] }> {
  const expanded = expandHome(path.trim(), home);
  const wanted = isAbsolute(expanded) ? resolve(expanded) : resolve(home, expanded);
  const inside = await readFolders(wanted);
  if (inside !== null) return { path: wanted, folders: first(inside) };
  const parent = dirname(wanted);
  const start = basename(wanted).toLowerCase();
  const names = (await readFolders(parent)) ?? [];
  return { path: parent, folders: first(names.filter((name) => name.toLowerCase().startsWith(start))) };
}

function first(names: readonly string[]): string[] {
  return names.toSorted((one, other) => one.localeCompare(other, 'en')).slice(0, MAX_FOLDERS);
}

/** Names of the folders in a folder, links to folders too; null when it is no folder that can be read. */
async function readFolders(folder: string): Promise<string[] | null> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null);
  if (entries === null) return null;
  const shown = entries.filter((entry) => !entry.name.startsWith('.'));
  const checked = shown.map(async (entry) => ((await isFolder(entry)) ? [entry.name] : []));
  return (await Promise.all(checked)).flat();
}

async function isFolder(entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(join(entry.parentPath, entry.name)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
