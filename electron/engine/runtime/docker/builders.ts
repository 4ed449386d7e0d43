import type { BuilderImage, BuilderOrder } from '../image-orders.ts';
import type { BoxPool } from './box-pool.ts';
import { buildOnBuilder, type BuilderTools, builderCaches } from './builder-build.ts';
import { haveBuilder } from './builder-image.ts';
import { asRuntimeError, throwIfAborted } from './errors.ts';
import { removeVolume } from './networks.ts';
import type { ReleaseImages } from './release-images.ts';
import { persist } from './removal.ts';

interface BuildersOptions extends Omit<BuilderTools, 'hold'> {
  readonly boxes: Pick<BoxPool, 'use'>;
  readonly releases: Pick<ReleaseImages, 'use'>;
}

/** Builds with Cloud Native Buildpacks, and what they keep. */
export class Builders {
  private readonly options: BuildersOptions;
  private readonly running = new Set<string>();

  constructor(options: BuildersOptions) {
    this.options = options;
  }

  /** See `Runtime.prepareBuilder`. */
  async prepare(name: string, report: (line: string) => void, signal: AbortSignal): Promise<void> {
    try {
      await haveBuilder(this.options.daemon, name, report, signal);
    } catch (error) {
      throwIfAborted(signal, `Fetching the builder ${name}`);
      throw asRuntimeError(error, `The builder ${name} could not be made ready`);
    }
  }

  /** See `Runtime.buildWithBuilder`. */
  async build(order: BuilderOrder, signal: AbortSignal): Promise<BuilderImage> {
    const { boxes, releases } = this.options;
    const leave = await boxes.use(order.appId);
    using _kept = releases.use(order.appId);
    try {
      throwIfAborted(signal, 'Building the image');
      return await buildOnBuilder({ ...this.options, hold: (id) => this.hold(id) }, order, signal);
    } catch (error) {
      throwIfAborted(signal, 'Building the image');
      throw asRuntimeError(error, 'The image could not be built');
    } finally {
      leave();
    }
  }

  /** Ids of the containers that builds run in. */
  containers(): ReadonlySet<string> {
    return this.running;
  }

  /** Removes what buildpacks have kept for an app's next build. */
  async forget(appId: string): Promise<void> {
    const { daemon, owner } = this.options;
    for (const volume of Object.values(builderCaches(owner, appId)))
      await persist(() => removeVolume(daemon, volume));
  }

  private hold(container: string): Disposable {
    this.running.add(container);
    return { [Symbol.dispose]: () => this.running.delete(container) };
  }
}
