import { readdir } from 'node:fs/promises';
import type { CacheUsers } from '../box/cache-users.ts';
import { toRuntimeError } from '../box/tools.ts';
import type { BuildBox } from '../runtime.ts';
import { buildMark } from './build-box.ts';
import type { Dynos } from './dynos.ts';
import { killMarked } from './identity.ts';
import { emptyFolder, type Layout } from './layout.ts';
import type { Runs } from './runs.ts';
import type { SlugStore } from './slug-store.ts';

/** Those of the runtime that keep something on disk. */
interface Parts {
  readonly layout: Layout;
  readonly downloadsDir: string;
  /** Builds that use the caches of their apps. */
  readonly users: CacheUsers;
  /** Boxes that are open, by the ids of their builds. */
  readonly boxes: ReadonlyMap<string, BuildBox>;
  readonly slugs: SlugStore;
  readonly runs: Runs;
  readonly dynos: Dynos;
}

/** Removes from this machine what nobody needs any more. */
export class Leftovers {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** See `Runtime.destroyApp`. */
  async destroyApp(appId: string, slugIds: readonly string[]): Promise<void> {
    const { layout, slugs, runs, dynos } = this.parts;
    const own = (await dynos.list()).filter((dyno) => dyno.appId === appId);
    await Promise.all([...own.map((dyno) => dynos.remove(dyno.id)), runs.close(appId)]);
    await slugs.removeApp(appId, slugIds);
    await layout.remove(layout.cache(appId));
  }

  /** See `Runtime.sweep`. */
  async sweep(keep: {
    readonly appIds: readonly string[];
    readonly slugIds: readonly string[];
  }): Promise<void> {
    const { layout, boxes, slugs, runs, dynos } = this.parts;
    const apps = new Set(keep.appIds);
    await layout.emptyTrash();
    await runs.sweep();
    for (const id of await readdir(layout.builds)) {
      if (boxes.has(id)) continue;
      await killMarked(buildMark(layout, id));
      await layout.remove(layout.build(id));
    }
    for (const id of await readdir(layout.dynos)) {
      const dyno = await dynos.find(id);
      if (dyno === null && !dynos.isStarting(id)) await layout.remove(layout.dyno(id));
      else if (dyno !== null && !apps.has(dyno.record.appId)) await dynos.remove(id);
    }
    for (const appId of await readdir(layout.caches)) {
      if (!apps.has(appId)) await layout.remove(layout.cache(appId));
    }
    await slugs.sweep(new Set(keep.slugIds));
  }

  /** See `Runtime.cleanUp`. */
  async cleanUp(keep: { readonly slugIds: readonly string[] }): Promise<void> {
    const { layout, downloadsDir, users, slugs, dynos } = this.parts;
    try {
      await users.clean(async (isBusy, anyBusy) => {
        for (const appId of await readdir(layout.caches)) {
          if (!isBusy(appId)) await layout.remove(layout.cache(appId));
        }
        if (!anyBusy) await emptyFolder(downloadsDir);
      });
      await slugs.sweep(new Set([...keep.slugIds, ...dynos.slugs()]));
      await layout.emptyTrash();
    } catch (error) {
      throw toRuntimeError('cleaning up', error);
    }
  }
}
