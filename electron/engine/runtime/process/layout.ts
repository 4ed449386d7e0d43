import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeError } from '../runtime.ts';
import { runTool } from '../box/tools.ts';

/** Where the process runtime keeps things; all on one file system. */
export class Layout {
  readonly root: string;
  /** One folder for each open build box. */
  readonly builds: string;
  /** One cache folder for each app. */
  readonly caches: string;
  /** Expanded parts of slugs: `<app>/<hash of the key>/app`. */
  readonly parts: string;
  /** Which parts make a slug: `<slug>.json`. */
  readonly slugs: string;
  /** One folder for each dyno. */
  readonly dynos: string;
  /** One folder for each one-off dyno. */
  readonly runs: string;
  /** What is being made or removed. */
  readonly trash: string;
  private readonly prefix = randomUUID();
  private serial = 0;

  constructor(root: string) {
    this.root = root;
    this.builds = join(root, 'builds');
    this.caches = join(root, 'cache');
    this.parts = join(root, 'parts');
    this.slugs = join(root, 'slugs');
    this.dynos = join(root, 'dynos');
    this.runs = join(root, 'runs');
    this.trash = join(root, 'trash');
  }

  /** Makes the folders. */
  async make(): Promise<void> {
    const { builds, caches, parts, slugs, dynos, runs, trash } = this;
    for (const folder of [builds, caches, parts, slugs, dynos, runs, trash]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
  }

  build(id: string): string {
    return join(this.builds, safe(id));
  }

  cache(appId: string): string {
    return join(this.caches, safe(appId));
  }

  appParts(appId: string): string {
    return join(this.parts, safe(appId));
  }

  part(appId: string, hash: string): string {
    return join(this.appParts(appId), safe(hash));
  }

  slug(id: string): string {
    return join(this.slugs, `${safe(id)}.json`);
  }

  dyno(id: string): string {
    return join(this.dynos, safe(id));
  }

  run(id: string): string {
    return join(this.runs, safe(id));
  }

  /** A new name for something half made, on the same file system as all else. */
  temporary(): string {
    this.serial += 1;
    return join(this.trash, `${this.prefix}-${String(this.serial)}`);
  }

  /** Removes what an engine before has left half made or half removed. */
  async emptyTrash(): Promise<void> {
    for (const name of await readdir(this.trash)) {
      if (!name.startsWith(this.prefix)) await removeTree(join(this.trash, name));
    }
  }

  /** Removes a folder tree; it is out of sight at once. Nothing happens when there is none. */
  async remove(path: string): Promise<void> {
    const hidden = this.temporary();
    try {
      await rename(path, hidden);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      throw error;
    }
    await removeTree(hidden);
  }
}

/** Removes all that is in a folder; nothing happens when there is none. */
export async function emptyFolder(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []);
  for (const name of names) await removeTree(join(path, name));
}

/** Removes a tree, also one with folders that are not writable. */
export async function removeTree(path: string): Promise<void> {
  const remove = (): Promise<void> => runTool('removing files', 'rm', ['-rf', '--', path]);
  try {
    await remove();
  } catch {
    await runTool('removing files', 'chmod', ['-R', 'u+rwX', path]);
    await remove();
  }
}

/** Name of the folder of a part. */
export function partHash(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 40);
}

function safe(id: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,150}$/.test(id)) return id;
  throw new RuntimeError('failed', `"${id}" cannot name a folder: use letters, digits, ".", "_" and "-".`);
}
