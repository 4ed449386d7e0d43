import { explain, throwIfAborted } from './errors.ts';
import { type ImageFacts, inspectImage, listImages, removeImage } from './images.ts';
import { LABEL, labelFilter, layerImage, slugImage } from './names.ts';
import type { SlugRef } from '../runtime.ts';
import { commitLayers } from './stage-commit.ts';
import { loadLayers } from './stage-load.ts';
import { prefixes, type StageContext } from './stage-plan.ts';

interface Staged {
  readonly base: string;
  readonly parts: readonly string[];
  /** Digests of the layers above the base; none when they do not match the parts one by one. */
  readonly layers: readonly string[];
}

/** Images of slugs: the run image and one layer for each part, equal leading parts shared. */
export class SlugImages {
  private readonly context: StageContext;
  /** By the base that they stand on, and the slug. */
  private readonly staged = new Map<string, Map<string, Staged>>();

  constructor(context: StageContext) {
    this.context = context;
  }

  /** Makes the image of a slug, or nothing when it is there and stands on the present run image. */
  async stage(slug: SlugRef, signal: AbortSignal): Promise<void> {
    const doing = `The image of slug ${slug.id} could not be made`;
    const base = await this.context.base(slug.stack);
    const staged = await explain(doing, this.known(base));
    const found = await explain(doing, inspectImage(this.context.daemon, this.name(slug.id)));
    if (found && found.labels[LABEL.base] === base.id && found.labels[LABEL.slug] === slug.id) {
      staged.set(slug.id, describe(found.labels, found.layers, base.layers.length));
      return;
    }
    throwIfAborted(signal, doing);
    await explain(doing, this.make(slug, base, staged, signal));
    if (found) await removeImage(this.context.daemon, found.id);
  }

  /** Tag of a slug's image. */
  name(slugId: string): string {
    return slugImage(this.context.owner, slugId);
  }

  /**
   * Makes an image of all parts of a staged slug but the last, which is what changes from build to build.
   * @returns its name, or null where such an image is no gain
   */
  async beginning(slug: SlugRef, signal: AbortSignal): Promise<string | null> {
    const { daemon, owner } = this.context;
    const base = await this.context.base(slug.stack);
    const keys = slug.parts.map((part) => part.key);
    const prefix = prefixes(base.id, keys).at(-1);
    const layers = (await this.known(base)).get(slug.id)?.layers ?? [];
    if (prefix === undefined || !daemon.facts.sparseLoad || layers.length !== keys.length) return null;
    const name = layerImage(owner, prefix);
    if (await inspectImage(daemon, name)) return name;
    const parts = slug.parts.slice(0, -1);
    const marks = { [LABEL.kind]: 'layer', [LABEL.app]: slug.appId };
    const plan = { ...this.context, slug: { ...slug, parts }, image: base, name, labels: marks };
    await loadLayers({ ...plan, shared: layers.slice(0, -1) }, signal);
    return name;
  }

  /** Removes a slug's image and those layers that no other slug has. */
  async unstage(slugIds: readonly string[]): Promise<void> {
    const { daemon } = this.context;
    for (const slugId of slugIds) {
      this.forget(slugId);
      await explain(
        `The image of slug ${slugId} could not be removed`,
        removeImage(daemon, this.name(slugId)),
      );
    }
    await explain('Layers of old slugs could not be removed', this.dropUnusedLayers());
  }

  /** Removes the images of all slugs but these, and layers and leftovers that nothing needs. */
  async sweep(keep: readonly string[]): Promise<void> {
    const { daemon, owner } = this.context;
    const kept = new Set(keep);
    for (const image of await listImages(daemon, labelFilter(owner, 'slug'))) {
      const slugId = image.labels[LABEL.slug] ?? '';
      if (kept.has(slugId) && image.tags.length > 0) continue;
      this.forget(slugId);
      await removeImage(daemon, image.tags[0] ?? image.id);
    }
    await this.dropUnusedLayers();
  }

  private async make(
    slug: SlugRef,
    base: ImageFacts,
    staged: Map<string, Staged>,
    signal: AbortSignal,
  ): Promise<void> {
    const { daemon, diagnostics } = this.context;
    const keys = slug.parts.map((part) => part.key);
    const more = {
      [LABEL.app]: slug.appId,
      [LABEL.slug]: slug.id,
      [LABEL.base]: base.id,
      [LABEL.parts]: keys.join(','),
    };
    const plan = { ...this.context, slug, image: base, name: this.name(slug.id), labels: more };
    if (!daemon.facts.sparseLoad) {
      await commitLayers(plan, signal);
      return;
    }
    const shared = longestShared(base.id, keys, [...staged.values()]);
    let layers: readonly string[];
    try {
      layers = await loadLayers({ ...plan, shared }, signal);
    } catch (error) {
      throwIfAborted(signal, `The image of slug ${slug.id} could not be made`);
      if (shared.length === 0) throw error;
      diagnostics.problem(`Layers shared with slug ${slug.id} are gone; sending all of them`, error);
      layers = await loadLayers({ ...plan, shared: [] }, signal);
    }
    staged.set(slug.id, { base: base.id, parts: keys, layers });
  }

  private forget(slugId: string): void {
    for (const staged of this.staged.values()) staged.delete(slugId);
  }

  private async known(base: ImageFacts): Promise<Map<string, Staged>> {
    const known = this.staged.get(base.id);
    if (known) return known;
    const { daemon, owner } = this.context;
    const found = new Map<string, Staged>();
    for (const row of await listImages(daemon, labelFilter(owner, 'slug', { [LABEL.base]: base.id }))) {
      const image = await inspectImage(daemon, row.id);
      if (image)
        found.set(image.labels[LABEL.slug] ?? '', describe(image.labels, image.layers, base.layers.length));
    }
    const staged = this.staged.get(base.id) ?? found;
    this.staged.set(base.id, staged);
    return staged;
  }

  private async dropUnusedLayers(): Promise<void> {
    const { daemon, owner } = this.context;
    const slugs = await listImages(daemon, labelFilter(owner, 'slug'));
    const used = new Set(
      slugs.flatMap((slug) =>
        prefixes(slug.labels[LABEL.base] ?? '', (slug.labels[LABEL.parts] ?? '').split(',')),
      ),
    );
    for (const layer of await listImages(daemon, labelFilter(owner, 'layer'))) {
      const name = layer.tags[0];
      if (name === undefined || ![...used].some((prefix) => name === layerImage(owner, prefix))) {
        await removeImage(daemon, name ?? layer.id);
      }
    }
  }
}

function describe(
  labels: Readonly<Record<string, string>>,
  layers: readonly string[],
  baseLayers: number,
): Staged {
  const parts = (labels[LABEL.parts] ?? '').split(',');
  const own = layers.slice(baseLayers);
  return { base: labels[LABEL.base] ?? '', parts, layers: own.length === parts.length ? own : [] };
}

function longestShared(base: string, keys: readonly string[], staged: readonly Staged[]): readonly string[] {
  let best: readonly string[] = [];
  for (const other of staged) {
    if (other.base !== base) continue;
    let same = 0;
    while (same < other.layers.length && same < keys.length && other.parts[same] === keys[same]) same += 1;
    if (same > best.length) best = other.layers.slice(0, same);
  }
  return best;
}
