import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import tar from 'tar-stream';

interface Item {
  readonly name: string;
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A folder of the engine, seen at one moment. */
export interface FolderView {
  /** Names the content: changes when a name, a mode, a size or a time does. */
  readonly hash: string;
  /** All that is in it, folders before what they hold; `.git` is left out. */
  readonly items: readonly Item[];
}

/** Looks at a folder with few, small files, such as a buildpack. */
export async function viewFolder(folder: string): Promise<FolderView> {
  const items = await walk(folder, '');
  const hash = createHash('sha256');
  for (const item of items)
    hash.update(JSON.stringify([item.name, item.kind, item.mode, item.size, item.mtimeMs]));
  return { hash: hash.digest('hex').slice(0, 24), items };
}

async function walk(folder: string, prefix: string): Promise<Item[]> {
  const names = (await readdir(folder)).sort().filter((name) => prefix !== '' || name !== '.git');
  const found = await Promise.all(names.map((name) => look(join(folder, name), prefix + name)));
  return found.flat();
}

/** One entry of a folder, and behind it what is in it; nothing for what is neither file, folder nor link. */
async function look(path: string, name: string): Promise<Item[]> {
  const facts = await lstat(path);
  const kind = facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'symlink' : 'file';
  if (kind === 'file' && !facts.isFile()) return [];
  const { size, mtimeMs } = facts;
  const item: Item = { name, path, kind, mode: facts.mode & 0o777, size, mtimeMs };
  return kind === 'directory' ? [item, ...(await walk(path, `${name}/`))] : [item];
}

/** Folders as one tar, each below its name. */
export async function* foldersTar(folders: ReadonlyMap<string, FolderView>): AsyncIterable<Buffer> {
  const archive = tar.pack();
  const filling = fill(archive, folders).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  yield* archive as AsyncIterable<Buffer>;
  await filling;
}

async function fill(archive: tar.Pack, folders: ReadonlyMap<string, FolderView>): Promise<void> {
  for (const [name, { items }] of folders) {
    archive.entry({ name, type: 'directory' });
    for (const item of items) await addItem(archive, name, item);
  }
  archive.finalize();
}

async function addItem(archive: tar.Pack, folder: string, item: Item): Promise<void> {
  const { mode, kind: type, path } = item;
  const header = { name: `${folder}/${item.name}`, mode, mtime: new Date(item.mtimeMs), type };
  if (type === 'symlink') archive.entry({ ...header, linkname: await readlink(path) });
  else if (type === 'directory') archive.entry(header);
  else archive.entry(header, await readFile(path));
}

/** Small files as tar, for ENV_DIR. */
export async function* filesTar(files: Readonly<Record<string, string>>): AsyncIterable<Buffer> {
  const archive = tar.pack();
  for (const [name, content] of Object.entries(files))
    archive.entry({ name, mode: 0o600, mtime: new Date(0) }, content);
  archive.finalize();
  yield* archive as AsyncIterable<Buffer>;
}
