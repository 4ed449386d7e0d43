import { constants } from 'node:fs';
import { chmod, lstat, mkdir, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { scanTree, type TreeEntry } from '../box/scan-tree.ts';
import {
  type FolderEntry,
  foldersToList,
  notesOf,
  planTakeOver,
  SETTLE_MS,
  type SourceNotes,
} from '../box/source-notes.ts';
import { hasCode } from '../box/tools.ts';

/** Mode of the folders that tools make for us. */
const folderMode = (): string => (0o777 & ~process.umask()).toString(8);

/**
 * Makes the last build folder the new one, without what is not the source as it is now; that stays behind for buildpacks.
 * See `BuildBox.takeSource`.
 * @param clear empties the new build folder, for when it does not work
 */
export async function takeSource(
  { lastBuild, buildDir }: { readonly lastBuild: string; readonly buildDir: string },
  marks: ReadonlyMap<string, string>,
  notes: SourceNotes,
  clear: () => Promise<void>,
): Promise<ReadonlySet<string>> {
  const folders = foldersToList(marks, notes);
  if (folders === null) return new Set();
  try {
    const entries = await listLast(lastBuild, folders);
    const { taken, others } = planTakeOver(entries, marks, notes, folderMode());
    if (taken.length === 0) return new Set();
    await rename(lastBuild, buildDir);
    await mkdir(lastBuild);
    for (const path of others) await moveOver(place(buildDir, path), place(lastBuild, path));
    return new Set(taken);
  } catch {
    await clear();
    return new Set();
  }
}

/** See `BuildBox.noteSource`. */
export async function noteSource(
  buildDir: string,
  marks: ReadonlyMap<string, string>,
  notes: SourceNotes,
): Promise<void> {
  await sleep(SETTLE_MS);
  const fresh = notesOf((await scanTree(buildDir)).map(entryOf), marks);
  notes.clear();
  for (const [path, note] of fresh) notes.set(path, note);
}

/** All that is directly in the folder, and below those of its folders that are named. */
async function listLast(lastBuild: string, folders: readonly string[]): Promise<FolderEntry[]> {
  const { mode } = await lstat(lastBuild);
  const top = await scanTree(lastBuild, { roots: ['.'], deep: false });
  const there = new Set(top.filter(({ type }) => type === 'd').map(({ path }) => path));
  const inner = folders.filter((path) => there.has(path));
  const below = inner.length === 0 ? [] : await scanTree(lastBuild, { roots: inner, deep: true });
  const self = { kind: 'd', mode: (mode & 0o7777).toString(8), state: '', path: '.' };
  return [self, ...[...top, ...below].map(entryOf)];
}

function entryOf({ type, mode, identity, size, modified, path }: TreeEntry): FolderEntry {
  return { kind: type, mode: mode.toString(8), state: `${identity} ${String(size)} ${modified}`, path };
}

async function moveOver(from: Buffer, to: Buffer): Promise<void> {
  await mkdir(to.subarray(0, to.lastIndexOf('/')), { recursive: true });
  try {
    await rename(from, to);
  } catch (error) {
    const { mode } = await lstat(from);
    if (!hasCode(error, 'EACCES', 'EPERM') || (mode & constants.S_IFMT) !== constants.S_IFDIR) throw error;
    // Only who may write into a folder may move it.
    await chmod(from, (mode & 0o7777) | 0o700);
    await rename(from, to);
    await chmod(to, mode & 0o7777);
  }
}

/** A path below a folder, as bytes, so that any name survives. */
function place(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from(path.slice(1), 'latin1')]);
}
