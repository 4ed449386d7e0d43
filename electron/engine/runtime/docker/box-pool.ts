import type { Clock } from '../../util/clock.ts';
import type { Diagnostics } from '../../util/diagnostics.ts';
import { type BuildBox, type BuildBoxSpec, RuntimeError } from '../runtime.ts';
import { CacheUsers } from '../box/cache-users.ts';
import type { SourceNotes } from '../box/source-notes.ts';
import { BoxAhead } from './box-ahead.ts';
import { type BuildFolders, CLEAN_BOX, makeFolders, nameFolders, setUpScript } from './box-clean.ts';
import { type BoxContainer, type BoxSettings, endBox, startBox } from './box-container.ts';
import { CA_ENVIRONMENT } from './certificates.ts';
import { copyCommands, type PlacedFolder, sendFolders, viewBuildpacks } from './box-buildpacks.ts';
import { LAST_BUILD } from './box-source.ts';
import { DockerBuildBox } from './build-box.ts';
import { killContainer } from './containers.ts';
import type { FolderView } from './folder-tar.ts';
import { explain, throwIfAborted, untilAborted } from './errors.ts';
import { LABEL, labelFilter } from './names.ts';
import { listVolumes, removeVolume } from './networks.ts';
import { persist } from './removal.ts';
import type { Stacks } from './stacks.ts';
import { forgetSlug, newSlugMemory, type SlugMemory } from './slug-memory.ts';
import { DOWNLOADS, imageEnvironment } from './stack-recipe.ts';

/** How long a box waits for its app's next build. */
const IDLE_MS = 10 * 60_000;

interface Warm extends BoxContainer {
  /** Build image that it was made from. */
  readonly image: string;
  /** Hashes of the buildpacks that it has. */
  readonly buildpacks: Set<string>;
  /** Buildpacks in their places, for the next build as well. */
  placed: readonly PlacedFolder[];
  /** Those of the next build, made ahead behind the one before. */
  next: BuildFolders;
  cancelIdle: () => void;
}

interface AppBoxes {
  /** Ends when the last build that asked gives its box back. */
  turn: Promise<unknown>;
  box: Warm | null;
  readonly slug: SlugMemory;
  readonly notes: SourceNotes;
}

interface PoolOptions extends Omit<BoxSettings, 'stack'> {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly stacks: Pick<Stacks, 'images' | 'isReady'>;
}

/** Build containers: one for each app that was built in the last minutes, used by one build at a time. */
export class BoxPool {
  private readonly apps = new Map<string, AppBoxes>();
  private readonly options: PoolOptions;
  /** Buildpacks that do not change. */
  private readonly views = new Map<string, FolderView>();
  private readonly users = new CacheUsers();
  private readonly ahead: BoxAhead;
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.ahead = new BoxAhead({
      clock: options.clock,
      isReady: (stack) => options.stacks.isReady(stack),
      open: (spec, signal) => this.openInTurn(spec, signal),
      end: (appId) => this.end(appId),
    });
  }

  /** Gets the box of a new app ready; see `Runtime.expectBuild`. */
  expect(spec: BuildBoxSpec): void {
    if (!this.closed) this.ahead.expect(spec);
  }

  /** Opens the app's box for a build, as soon as the build before it is through. */
  open(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox> {
    this.ahead.leave(spec.appId);
    return this.openInTurn(spec, signal);
  }

  private async openInTurn(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox> {
    throwIfAborted(signal, 'Opening a build box');
    const leave = await this.users.enter(spec.appId);
    const app = this.app(spec.appId);
    const before = app.turn;
    const turn = Promise.withResolvers<void>();
    app.turn = turn.promise;
    const release = (): void => {
      turn.resolve();
      leave();
    };
    try {
      await untilAborted(before, signal, 'Waiting for the build before');
    } catch (error) {
      void before.then(release);
      throw error;
    }
    try {
      return await this.lease(app, spec, signal, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Keeps the caches of an app while something else than a box works with them. @returns what ends it */
  use(appId: string): Promise<() => void> {
    return this.users.enter(appId);
  }

  /**
   * Ends the boxes of apps that are not being built and removes their caches, and the downloads when nothing is built.
   * Builds that begin meanwhile wait.
   */
  async removeCaches(): Promise<void> {
    const { daemon, owner } = this.options;
    await this.users.clean(async (isBusy, anyBusy) => {
      for (const [appId, app] of this.apps) {
        if (isBusy(appId)) continue;
        await this.discard(app, new RuntimeError('cancelled', 'The build cache was removed.'));
        forgetSlug(app.slug);
        app.notes.clear();
      }
      const volumes = await listVolumes(daemon, labelFilter(owner));
      const idle = volumes.filter(({ labels }) => {
        if (labels[LABEL.kind] === 'downloads') return !anyBusy;
        return labels[LABEL.kind] === 'cache' && !isBusy(labels[LABEL.app] ?? '');
      });
      await Promise.all(idle.map((volume) => persist(() => removeVolume(daemon, volume.name))));
    });
  }

  /** Ids of the containers that this pool holds. */
  containers(): ReadonlySet<string> {
    return new Set([...this.apps.values()].flatMap((app) => (app.box ? [app.box.id] : [])));
  }

  /** Ends an app's box, also one in use. */
  async forget(appId: string): Promise<void> {
    await this.ahead.drop(appId);
    await this.end(appId);
    this.apps.delete(appId);
  }

  private async end(appId: string): Promise<void> {
    const app = this.apps.get(appId);
    if (app) await this.discard(app, new RuntimeError('cancelled', 'The app was removed.'));
  }

  /** Ends all boxes. */
  async close(): Promise<void> {
    this.closed = true;
    await this.ahead.drop();
    const gone = new RuntimeError('cancelled', 'Slipway is stopping.');
    await Promise.all([...this.apps.values()].map((app) => this.discard(app, gone)));
  }

  private app(appId: string): AppBoxes {
    const found = this.apps.get(appId);
    if (found) return found;
    const made: AppBoxes = { turn: Promise.resolve(), box: null, slug: newSlugMemory(), notes: new Map() };
    this.apps.set(appId, made);
    return made;
  }

  private async lease(
    app: AppBoxes,
    spec: BuildBoxSpec,
    signal: AbortSignal,
    release: () => void,
  ): Promise<BuildBox> {
    const [{ build: image }, folders] = await Promise.all([
      this.options.stacks.images(spec.stack),
      explain('A buildpack could not be read', viewBuildpacks(spec, this.views)),
    ]);
    const warm = app.box !== null && !app.box.channel.closed && app.box.image === image;
    try {
      return await this.prepare(app, spec, image, folders, signal, release);
    } catch (error) {
      await this.discard(app, new RuntimeError('failed', 'The build box did not open.'));
      if (!warm || signal.aborted) throw error;
      this.options.diagnostics.problem(
        `The warm build box of app ${spec.appId} was gone; starting a new one`,
        error,
      );
      return await this.prepare(app, spec, image, folders, signal, release);
    }
  }

  private async prepare(
    app: AppBoxes,
    spec: BuildBoxSpec,
    image: string,
    views: readonly PlacedFolder[],
    signal: AbortSignal,
    release: () => void,
  ): Promise<BuildBox> {
    const box = await this.current(app, spec, image);
    throwIfAborted(signal, 'Opening a build box');
    await sendFolders(box, views);
    const opened = new DockerBuildBox({
      container: box,
      folders: box.next,
      buildpacks: new Map(views.map(({ name, place }) => [name, place])),
      env: {
        ...imageEnvironment(spec.stack),
        ...CA_ENVIRONMENT,
        ...this.options.env,
        SLIPWAY_DOWNLOADS: DOWNLOADS,
        SLIPWAY_LAST_BUILD: LAST_BUILD,
      },
      slug: app.slug,
      notes: app.notes,
      interrupt: () => killContainer(this.options.daemon, box.id, 'SIGUSR1'),
      giveBack: (clean) => this.giveBack(app, box, clean).finally(release),
    });
    const script = setUpScript(opened, spec.clearCache, copyCommands(views, box.placed));
    box.placed = views;
    const code = await box.channel.command({ kind: 'do', script });
    if (code !== 0)
      throw new RuntimeError('failed', `The build box could not be set up${box.channel.complaint()}.`);
    throwIfAborted(signal, 'Opening a build box');
    return opened;
  }

  /** The app's container, a new one when there is none or the image has changed. */
  private async current(app: AppBoxes, { appId, stack }: BuildBoxSpec, image: string): Promise<Warm> {
    this.assertKept(app, appId);
    if (app.box && !app.box.channel.closed && app.box.image === image) {
      app.box.cancelIdle();
      return app.box;
    }
    await this.discard(app, new RuntimeError('failed', 'The build box was out of date.'));
    const started = await startBox({ ...this.options, stack }, appId);
    app.box = {
      ...started,
      image,
      buildpacks: new Set(),
      placed: [],
      next: nameFolders(),
      cancelIdle: () => undefined,
    };
    // Whoever ended all boxes meanwhile did not see this one; the caller discards it.
    this.assertKept(app, appId);
    // An engine that ended without cleaning up may have left a build half done.
    await app.box.channel.command({ kind: 'do', script: CLEAN_BOX });
    return app.box;
  }

  /** @throws RuntimeError when the pool is closed or the app is forgotten: nobody would end a box that starts now */
  private assertKept(app: AppBoxes, appId: string): void {
    if (this.closed) throw new RuntimeError('unavailable', 'Slipway is stopping.');
    if (this.apps.get(appId) !== app) throw new RuntimeError('cancelled', 'The app was removed.');
  }

  private async giveBack(app: AppBoxes, box: Warm, clean: boolean): Promise<void> {
    if (app.box !== box) return;
    if (!clean || box.channel.closed || this.closed) {
      await this.discard(app, new RuntimeError('cancelled', 'The build was cancelled.'));
      return;
    }
    const failed = async (): Promise<void> => {
      if (app.box === box)
        await this.discard(app, new RuntimeError('failed', 'The build box could not be cleaned.'));
    };
    box.next = nameFolders();
    const folders = makeFolders(box.next.buildDir, box.next.envDir);
    // Not waited for: the next command in the box waits anyway.
    box.channel
      .command({ kind: 'do', script: `${CLEAN_BOX} || exit\n${copyCommands(box.placed)}\n${folders}` })
      .then((code) => (code === 0 ? undefined : failed()), failed)
      .catch(() => undefined);
    box.cancelIdle = this.options.clock.after(IDLE_MS, () => {
      failed().catch(() => undefined);
    });
  }

  private async discard(app: AppBoxes, why: RuntimeError): Promise<void> {
    const { box } = app;
    if (!box) return;
    app.box = null;
    box.cancelIdle();
    await endBox(this.options.daemon, box, why).catch((error: unknown) => {
      this.options.diagnostics.problem(`The build container ${box.id} could not be removed`, error);
    });
  }
}
