import { statfs } from 'node:fs/promises';
import { SlipwayError } from '#shared/errors.ts';
import type { DiskUse } from '#shared/model/system.ts';
import type { Home } from '../home.ts';
import { type Runtime, RuntimeError } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';
import { folderBytes } from '../util/folder-bytes.ts';

/** What the disk is looked at with. */
export interface DiskOptions {
  readonly home: Pick<Home, 'folder' | 'database' | 'slugs' | 'logs' | 'builds' | 'uploads'>;
  readonly runtime: Pick<Runtime, 'diskUse' | 'cleanUp'>;
  readonly store: Pick<Store, 'apps' | 'currentRelease' | 'findRelease'>;
}

/** What Slipway keeps on the disk, and how to make it less. */
export class Disk {
  private readonly options: DiskOptions;

  constructor(options: DiskOptions) {
    this.options = options;
  }

  /** Sizes now; may take seconds. @throws SlipwayError `runtime_unavailable` */
  async use(): Promise<DiskUse> {
    const { home, runtime } = this.options;
    const [own, others, { bavail, bsize }] = await Promise.all([
      this.ownParts(),
      reachable(runtime.diskUse()),
      statfs(home.folder),
    ]);
    const parts = [...own, ...others].map((part) => ({ ...part, bytes: Math.round(part.bytes) }));
    return { parts, freeBytes: bavail * bsize };
  }

  /**
   * Removes what can be made anew and is not in use: build caches, downloads, staged slugs. Slugs of current and serving releases
   * stay staged, so that a dyno that crashes is back as fast as before.
   * @throws SlipwayError `runtime_unavailable`
   */
  async cleanUp(): Promise<DiskUse & { freedBytes: number }> {
    const before = removable(await this.use());
    await reachable(this.options.runtime.cleanUp({ slugIds: this.usedSlugs() }));
    const after = await this.use();
    return { ...after, freedBytes: Math.max(0, before - removable(after)) };
  }

  private async ownParts(): Promise<DiskUse['parts']> {
    const { home } = this.options;
    const database = ['', '-wal', '-shm'].map((end) => `${home.database}${end}`);
    const places: readonly [string, readonly string[]][] = [
      ['Slugs', [home.slugs]],
      ['Logs', [home.logs]],
      ['Build logs', [home.builds]],
      ['Uploads', [home.uploads]],
      ['Database', database],
    ];
    return Promise.all(
      places.map(async ([name, paths]) => {
        const sizes = await Promise.all(paths.map(folderBytes));
        return { name, bytes: sizes.reduce((sum, each) => sum + each, 0), removable: false };
      }),
    );
  }

  private usedSlugs(): string[] {
    const { store } = this.options;
    return store.apps().flatMap((app) => {
      const serving = app.serving === null ? null : store.findRelease(app.id, app.serving);
      return [store.currentRelease(app.id), serving].flatMap((release) => release?.slugId ?? []);
    });
  }
}

function removable({ parts }: DiskUse): number {
  return parts.reduce((sum, part) => sum + (part.removable ? part.bytes : 0), 0);
}

/** Turns the runtime's error into one that a user gets to read. */
async function reachable<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    throw new SlipwayError('runtime_unavailable', error.message, { retryable: true, cause: error });
  }
}
