import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { expandSlug } from '../box/expand-slug.ts';
import { cancelled, hasCode, runTool, toRuntimeError } from '../box/tools.ts';
import type { SlugPart, SlugRef } from '../runtime.ts';
import { type Layout, partHash } from './layout.ts';
import { Mutex, Semaphore } from '../../util/mutex.ts';

const SlugFile = z.object({
  appId: z.string(),
  /** Folder names of its parts, in order. */
  parts: z.array(z.string().regex(/^[0-9a-f]{40}$/)),
});
type SlugFile = z.infer<typeof SlugFile>;

/**
 * Keeps slugs expanded, part by part, so that a part that did not change from one release to the next is neither
 * expanded nor stored again, and makes private copies of them.
 */
export class SlugStore {
  private readonly layout: Layout;
  /** Stages one slug at a time for each app, so that two never make the same part. */
  private readonly turns = new Map<string, Mutex>();
  private readonly copies = new Semaphore(4);

  constructor(layout: Layout) {
    this.layout = layout;
  }

  /** See `Runtime.stage`. */
  async stage(slug: SlugRef, signal: AbortSignal): Promise<void> {
    await this.turn(slug.appId).run(async () => {
      if ((await this.folders(slug.id)) !== null) return;
      if (signal.aborted) throw cancelled(`Staging slug ${slug.id}`);
      try {
        for (const part of slug.parts) await this.makePart(slug, part, signal);
        const file: SlugFile = { appId: slug.appId, parts: slug.parts.map((part) => partHash(part.key)) };
        const temporary = this.layout.temporary();
        await writeFile(temporary, JSON.stringify(file));
        await rename(temporary, this.layout.slug(slug.id));
      } catch (error) {
        throw toRuntimeError(`staging slug ${slug.id}`, error);
      }
    });
  }

  /** See `Runtime.unstage`. Dynos keep their copies. */
  async unstage(slugId: string): Promise<void> {
    const file = await this.read(slugId);
    await rm(this.layout.slug(slugId), { force: true });
    if (file !== null) await this.turn(file.appId).run(() => this.removeUnused(file.appId));
  }

  /**
   * Copies a staged slug to a new folder, sharing blocks with it where the file system can.
   * @throws RuntimeError `not_found` when it is not staged
   */
  async copyTo(slug: SlugRef, folder: string): Promise<void> {
    await this.copies.run(async () => {
      const sources = await this.folders(slug.id);
      if (sources === null) throw toRuntimeError(`copying slug ${slug.id}`, new Error('it is not staged'));
      await mkdir(folder);
      const flags = process.platform === 'linux' ? ['-a', '--reflink=auto'] : ['-cRp'];
      const from = sources.map((source) => `${source}/app/.`);
      await runTool(`copying slug ${slug.id} for a dyno`, 'cp', [...flags, ...from, folder]);
    });
  }

  /** Removes all that is staged of an app. */
  async removeApp(appId: string, slugIds: readonly string[]): Promise<void> {
    const own = (await this.ids()).map(async (id) => ((await this.read(id))?.appId === appId ? [id] : []));
    for (const id of new Set([...slugIds, ...(await Promise.all(own)).flat()]))
      await rm(this.layout.slug(id), { force: true });
    await this.layout.remove(this.layout.appParts(appId));
    this.turns.delete(appId);
  }

  /** Removes all slugs that are not among the given, and all parts that no slug needs. */
  async sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const id of await this.ids()) if (!keep.has(id)) await rm(this.layout.slug(id), { force: true });
    for (const appId of await readdir(this.layout.parts)) {
      await this.turn(appId).run(() => this.removeUnused(appId));
    }
  }

  /** Folders of a staged slug's parts, or null when one of them is missing. */
  private async folders(slugId: string): Promise<string[] | null> {
    const file = await this.read(slugId);
    if (file === null) return null;
    const folders = file.parts.map((hash) => this.layout.part(file.appId, hash));
    const there = await Promise.all(folders.map(exists));
    return there.every(Boolean) ? folders : null;
  }

  private async makePart(slug: SlugRef, part: SlugPart, signal: AbortSignal): Promise<void> {
    const target = this.layout.part(slug.appId, partHash(part.key));
    if (await exists(target)) return;
    const temporary = this.layout.temporary();
    try {
      await mkdir(join(temporary, 'app'), { recursive: true });
      await expandSlug(`Expanding slug ${slug.id}`, slug.open(part), temporary, signal);
      await mkdir(dirname(target), { recursive: true });
      await rename(temporary, target);
    } catch (error) {
      await this.layout.remove(temporary);
      throw error;
    }
  }

  private async removeUnused(appId: string): Promise<void> {
    const files = await Promise.all((await this.ids()).map((id) => this.read(id)));
    const used = new Set(files.flatMap((file) => (file?.appId === appId ? file.parts : [])));
    const folder = this.layout.appParts(appId);
    const parts = await readdir(folder).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    });
    for (const part of parts) if (!used.has(part)) await this.layout.remove(join(folder, part));
    if (used.size === 0) await this.layout.remove(folder);
  }

  private async ids(): Promise<string[]> {
    return (await readdir(this.layout.slugs)).flatMap((name) =>
      name.endsWith('.json') ? [name.slice(0, -5)] : [],
    );
  }

  /** What is known of a staged slug; a file that cannot be read counts as none, so that it is made anew. */
  private async read(slugId: string): Promise<SlugFile | null> {
    try {
      const parsed = SlugFile.safeParse(JSON.parse(await readFile(this.layout.slug(slugId), 'utf8')));
      return parsed.success ? parsed.data : null;
    } catch (error) {
      if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  private turn(appId: string): Mutex {
    const turn = this.turns.get(appId) ?? new Mutex();
    this.turns.set(appId, turn);
    return turn;
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
