import type { BuiltImage, ImageOrder } from '../image-orders.ts';
import { RuntimeError, type SlugRef, type TypeImage } from '../runtime.ts';
import type { Daemon } from './daemon.ts';
import { asRuntimeError, explain, throwIfAborted } from './errors.ts';
import { buildImage } from './image-build.ts';
import { type ImageRow, inspectImage, listImages, listRepository, removeImage, tagImage } from './images.ts';
import { readLogins } from './registry-logins.ts';
import { persist } from './removal.ts';
import { IMAGES, LABEL, labelFilter, releaseImages, STEPS, stepImages } from './names.ts';

/** Images that Dockerfiles made: artifacts of releases, which are kept as long as a slug's archive would be. */
export class ReleaseImages {
  private readonly daemon: Daemon;
  private readonly owner: string;
  /** Apps whose images are being built: their steps are in use. */
  private readonly building = new Set<string>();

  constructor(daemon: Daemon, owner: string) {
    this.daemon = daemon;
    this.owner = owner;
  }

  /** See `Runtime.buildImages`. */
  async build(order: ImageOrder, signal: AbortSignal): Promise<ReadonlyMap<string, BuiltImage>> {
    const built = new Map<string, BuiltImage>();
    this.building.add(order.appId);
    try {
      const logins = await readLogins();
      for (const problem of logins.problems) order.onWarning(problem);
      const tools = { daemon: this.daemon, owner: this.owner, logins };
      for (const wish of order.images) {
        order.onBegin(wish);
        built.set(wish.type, await buildImage(tools, order, wish, signal));
      }
      return built;
    } catch (error) {
      throwIfAborted(signal, 'Building images');
      throw asRuntimeError(error, 'The images could not be built');
    } finally {
      this.building.delete(order.appId);
      const now = stepImages(this.owner, order.appId, order.slugId);
      await this.forget(stepImages(this.owner, order.appId), (tag) => tag.startsWith(now)).catch(
        () => undefined,
      );
    }
  }

  /** Keeps what builds of an app have left while something else works with it. */
  use(appId: string): Disposable {
    this.building.add(appId);
    return { [Symbol.dispose]: () => this.building.delete(appId) };
  }

  /** Looks for the images of a slug. @throws RuntimeError `not_found` naming the one that is gone */
  async check({ id, images }: SlugRef): Promise<void> {
    for (const [type, image] of Object.entries(images ?? {})) {
      const found = await explain(`The image of ${type} could not be looked up`, this.find(image));
      if (!found) throw gone(type, image, id);
    }
  }

  /** Removes the images of a slug. */
  async remove(slugId: string): Promise<void> {
    const prefix = releaseImages(this.owner, slugId);
    await this.removeTags((tag) => tag.startsWith(prefix));
  }

  /** Removes the images of all slugs but these, and steps of apps that are gone. */
  async sweep(keep: {
    readonly slugIds: readonly string[];
    readonly appIds: readonly string[];
  }): Promise<void> {
    const slugs = keep.slugIds.map((slugId) => releaseImages(this.owner, slugId));
    const unnamed = await this.removeTags((tag) => !slugs.some((prefix) => tag.startsWith(prefix)));
    for (const { id } of unnamed) await removeImage(this.daemon, id);
    const apps = keep.appIds.map((appId) => stepImages(this.owner, appId));
    await this.forget(stepImages(this.owner), (tag) => apps.some((prefix) => tag.startsWith(prefix)));
  }

  /** Removes all images of an app. */
  async removeApp(appId: string): Promise<void> {
    const unnamed = await this.removeTags(() => true, { [LABEL.app]: appId });
    for (const { id } of unnamed) await removeImage(this.daemon, id);
    await this.forgetSteps(appId);
  }

  /** Removes what builds of an app have kept to be faster; of all apps, when none is given. A build that runs loses nothing. */
  forgetSteps(appId?: string): Promise<void> {
    const used = [...this.building].map((each) => stepImages(this.owner, each));
    return this.forget(stepImages(this.owner, appId), (tag) => used.some((prefix) => tag.startsWith(prefix)));
  }

  private async find({ id, reference }: TypeImage): Promise<boolean> {
    const found = await inspectImage(this.daemon, id);
    if (found === null) return false;
    if (!found.tags.includes(reference)) await tagImage(this.daemon, id, reference);
    return true;
  }

  /** Removes names of images, and with its last one each image. @returns images that had none before */
  private async removeTags(
    isOld: (tag: string) => boolean,
    more: Readonly<Record<string, string>> = {},
  ): Promise<ImageRow[]> {
    const rows = await listImages(this.daemon, labelFilter(this.owner, 'image', more));
    const own = `${IMAGES}:`;
    for (const { tags } of rows)
      for (const tag of tags) if (tag.startsWith(own) && isOld(tag)) await removeImage(this.daemon, tag);
    return rows.filter(({ tags }) => tags.length === 0);
  }

  /** The container of a build that was cancelled may hold an image for another moment. */
  private async forget(prefix: string, isKept: (tag: string) => boolean): Promise<void> {
    for (const { tags } of await listRepository(this.daemon, STEPS))
      for (const tag of tags)
        if (tag.startsWith(prefix) && !isKept(tag)) await persist(() => removeImage(this.daemon, tag));
  }
}

function gone(type: string, { reference }: TypeImage, slugId: string): RuntimeError {
  const text = `The Docker image of ${type} (${reference}, slug ${slugId}) is gone, and only its source could make it again.`;
  return new RuntimeError(
    'not_found',
    `${text} Deploy again, or roll back to a release whose image is there.`,
  );
}
