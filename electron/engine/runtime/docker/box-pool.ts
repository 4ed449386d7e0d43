import type { Clock } from '../../util/clock.ts';
import type { Diagnostics } from '../../util/diagnostics.ts';
import { type BuildBox, type BuildBoxSpec, RuntimeError } from '../runtime.ts';
import { CacheUsers } from '../box/cache-users.ts';
import { type BoxContainer, type BoxSettings, endBox, startBox } from './box-container.ts';
import { CA_ENVIRONMENT } from './certificates.ts';
import { copyCommands, type PlacedFolder, sendFolders, viewBuildpacks } from './box-buildpacks.ts';
import type { DigestMemory } from './box-pack.ts';
import { DockerBuildBox } from './build-box.ts';
import { killContainer } from './containers.ts';
import { explain, throwIfAborted } from './errors.ts';
import { LABEL, labelFilter } from './names.ts';
import { listVolumes, removeVolume } from './networks.ts';
import { persist } from './removal.ts';
import { DOWNLOADS, imageEnvironment } from './stack-recipe.ts';

/** How long a box waits for its app's next build. */
const IDLE_MS = 10 * 60_000;

interface Warm extends BoxContainer {
  /** Build image that it was made from. */
  readonly image: string;
  /** Hashes of the buildpacks that it has. */
  readonly buildpacks: Set<string>;
  cancelIdle: () => void;
}

interface AppBoxes {
  /** Ends when the last build that asked gives its box back. */
  turn: Promise<unknown>;
  box: Warm | null;
  readonly digests: DigestMemory;
}

interface PoolOptions extends Omit<BoxSettings, 'stack'> {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Id of a stack's build image as it is now. */
  readonly image: (stack: string) => Promise<string>;
}

/** Build containers: one for each app that was built in the last minutes, used by one build at a time. */
export class BoxPool {
  private readonly apps = new Map<string, AppBoxes>();
  private readonly options: PoolOptions;
  private readonly users = new CacheUsers();
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
  }

  /** Opens the app's box for a build, as soon as the build before it is through. */
  async open(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox> {
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
      await untilAborted(before, signal);
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
        app.digests.clear();
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
    const app = this.apps.get(appId);
    if (app) await this.discard(app, new RuntimeError('cancelled', 'The app was removed.'));
    this.apps.delete(appId);
  }

  /** Ends all boxes. */
  async close(): Promise<void> {
    this.closed = true;
    const gone = new RuntimeError('cancelled', 'Slipway is stopping.');
    await Promise.all([...this.apps.values()].map((app) => this.discard(app, gone)));
  }

  private app(appId: string): AppBoxes {
    const found = this.apps.get(appId);
    if (found) return found;
    const made: AppBoxes = { turn: Promise.resolve(), box: null, digests: new Map() };
    this.apps.set(appId, made);
    return made;
  }

  private async lease(
    app: AppBoxes,
    spec: BuildBoxSpec,
    signal: AbortSignal,
    release: () => void,
  ): Promise<BuildBox> {
    const [image, folders] = await Promise.all([
      this.options.image(spec.stack),
      explain('A buildpack could not be read', viewBuildpacks(spec)),
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
      buildpacks: new Map(views.map(({ name, place }) => [name, place])),
      env: {
        ...imageEnvironment(spec.stack),
        ...CA_ENVIRONMENT,
        ...this.options.env,
        SLIPWAY_DOWNLOADS: DOWNLOADS,
        SLIPWAY_LAST_BUILD: LAST_BUILD,
      },
      digests: app.digests,
      interrupt: () => killContainer(this.options.daemon, box.id, 'SIGUSR1'),
      giveBack: (clean) => this.giveBack(app, box, clean).finally(release),
    });
    const clear = spec.clearCache
      ? 'chmod -R u+w /tmp/cache; rm -rf /tmp/cache; mkdir /tmp/cache || exit'
      : '';
    const script = `${clear}\nmkdir -p /tmp/buildpacks ${opened.buildDir} ${opened.envDir} || exit\n${copyCommands(views)}`;
    const code = await box.channel.command({ kind: 'do', script });
    if (code !== 0)
      throw new RuntimeError('failed', `The build box could not be set up${box.channel.complaint()}.`);
    throwIfAborted(signal, 'Opening a build box');
    return opened;
  }

  /** The app's container, a new one when there is none or the image has changed. */
  private async current(app: AppBoxes, { appId, stack }: BuildBoxSpec, image: string): Promise<Warm> {
    if (this.closed) throw new RuntimeError('unavailable', 'Slipway is stopping.');
    if (app.box && !app.box.channel.closed && app.box.image === image) {
      app.box.cancelIdle();
      return app.box;
    }
    await this.discard(app, new RuntimeError('failed', 'The build box was out of date.'));
    const started = await startBox({ ...this.options, stack }, appId);
    app.box = { ...started, image, buildpacks: new Set(), cancelIdle: () => undefined };
    // An engine that ended without cleaning up may have left a build half done.
    await app.box.channel.command({ kind: 'do', script: CLEAN });
    return app.box;
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
    // Not waited for: the next command in the box waits anyway.
    box.channel
      .command({ kind: 'do', script: CLEAN })
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

/** Where buildpacks find the app's last build folder, to move what has not changed out of it. */
const LAST_BUILD = '/tmp/cache/.last-build';

/**
 * Keeps the build folder as the last one and removes everything but the cache and the buildpacks' masters;
 * folders without write permission are opened first.
 */
const CLEAN = `
chmod -R u+rwX ${LAST_BUILD} 2> /dev/null
rm -rf ${LAST_BUILD}
mv /tmp/build_* ${LAST_BUILD} 2> /dev/null
leave() { find /tmp -mindepth 1 -maxdepth 1 ! -name cache ! -name .slipway "$@"; find /app -mindepth 1 -maxdepth 1 "$@"; }
leave -exec rm -rf {} + 2> /dev/null
[ -z "$(leave -print -quit)" ] && exit 0
leave -exec chmod -R u+rwX {} +
leave -exec rm -rf {} +
[ -z "$(leave -print -quit)" ]
`;

async function untilAborted(wait: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let aborted = (): void => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    aborted = () => {
      reject(new RuntimeError('cancelled', 'The build was cancelled while it waited for the one before it.'));
    };
  });
  signal.addEventListener('abort', aborted);
  try {
    await Promise.race([wait, givenUp]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
