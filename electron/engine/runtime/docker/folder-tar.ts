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
  /** The folder as tar, `.git` left out. */
  tar(): AsyncIterable<Buffer>;
}

/** Looks at a folder with few, small files, such as a buildpack. */
export async function viewFolder(folder: string): Promise<FolderView> {
  const items = await walk(folder, '');
  const hash = createHash('sha256');
  for (const item of items)
    hash.update(JSON.stringify([item.name, item.kind, item.mode, item.size, item.mtimeMs]));
  return { hash: hash.digest('hex').slice(0, 24), tar: () => pack(items) };
}

async function walk(folder: string, prefix: string): Promise<Item[]> {
  const items: Item[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (prefix === '' && name === '.git') continue;
    const path = join(folder, name);
    const facts = await lstat(path);
    const kind = facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'symlink' : 'file';
    if (kind === 'file' && !facts.isFile()) continue;
    const item = {
      name: prefix + name,
      path,
      kind,
      mode: facts.mode & 0o777,
      size: facts.size,
      mtimeMs: facts.mtimeMs,
    } as const;
    items.push(item);
    if (kind === 'directory') items.push(...(await walk(path, `${prefix}${name}/`)));
  }
  return items;
}

async function* pack(items: readonly Item[]): AsyncIterable<Buffer> {
  const archive = tar.pack();
  const filling = fill(archive, items).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  yield* archive as AsyncIterable<Buffer>;
  await filling;
}

async function fill(archive: tar.Pack, items: readonly Item[]): Promise<void> {
  for (const item of items) {
    const header = { name: item.name, mode: item.mode, mtime: new Date(item.mtimeMs), type: item.kind };
    if (item.kind === 'symlink') archive.entry({ ...header, linkname: await readlink(item.path) });
    else if (item.kind === 'directory') archive.entry(header);
    else archive.entry(header, await readFile(item.path));
  }
  archive.finalize();
}

/** Small files as tar, for ENV_DIR. */
export async function* filesTar(files: Readonly<Record<string, string>>): AsyncIterable<Buffer> {
  const archive = tar.pack();
  for (const [name, content] of Object.entries(files))
    archive.entry({ name, mode: 0o600, mtime: new Date(0) }, content);
  archive.finalize();
  yield* archive as AsyncIterable<Buffer>;
}
