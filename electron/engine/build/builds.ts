import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import { BUILD_PHASES, type Build } from '#shared/model/build.ts';
import type { Source } from '#shared/contract/contract.ts';
import { makesImages } from '#shared/model/stack.ts';
import type { Apps } from '../app/apps.ts';
import { buildView } from '../api/views.ts';
import { expandHome } from '../source/folders.ts';
import type { SlugExpiry } from '../release/expiry.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import type { Samples } from '../source/samples.ts';
import type { AppRow, BuildRow } from '../store/rows.ts';
import type { BuildOutputs } from './build-output.ts';
import { Deploy, type DeployOptions } from './deploy.ts';
import type { Uploads } from './uploads.ts';

/** Builds of one app whose record and output are kept; older ones go. */
const KEPT_BUILDS = 50;

/** What builds need of the rest of the engine. */
export interface BuildsOptions extends DeployOptions {
  readonly apps: Apps;
  readonly outputs: BuildOutputs;
  readonly uploads: Uploads;
  readonly samples: Samples;
  readonly expiry: Pick<SlugExpiry, 'expire'>;
}

/** Deploys of all apps: at most one for each app at a time, each written down from its start to its end. */
export class Builds {
  private readonly options: BuildsOptions;
  private readonly running = new Map<string, { readonly deploy: Deploy; readonly done: Promise<void> }>();
  private readonly tidying = new Set<Promise<unknown>>();
  private closed = false;

  constructor(options: BuildsOptions) {
    this.options = options;
  }

  /** Has things ready for the first build of an app that was just made. */
  expect(app: AppRow): void {
    if (makesImages(app.stack)) return;
    const { runtime, buildpacks } = this.options;
    runtime.expectBuild({
      ...{ buildId: randomUUID(), appId: app.id, stack: app.stack, clearCache: false },
      buildpacks,
    });
  }

  /**
   * Starts a deploy; it goes on by itself.
   * @throws SlipwayError `conflict` while another build of the app runs, `not_found` for an unknown upload or sample
   */
  async start(app: AppRow, source: Source, how: { clearCache: boolean; user: string }): Promise<Build> {
    this.refuseSecond(app);
    const { folder, own } = await this.take(source);
    if (this.closed || this.running.has(app.id)) {
      if (own) await this.options.uploads.discard(folder);
      this.refuseSecond(app);
    }
    const row: BuildRow = {
      id: randomUUID(),
      appId: app.id,
      status: 'pending',
      phases: BUILD_PHASES.map((name) => ({ name, state: 'waiting' })),
      release: null,
      failure: null,
      createdAt: new Date(this.options.clock.now()).toISOString(),
      finishedAt: null,
      sourceCommit: null,
    };
    const { store } = this.options;
    store.insertBuild(row);
    if (source.kind === 'folder') store.setFolder(app.id, folder);
    const deploy = new Deploy(this.options, { app, row, folder, ...how });
    this.keep(
      app,
      deploy,
      () => deploy.run(this.options.outputs.begin(row.id)),
      async () => {
        if (own) await this.options.uploads.discard(folder);
        await this.forgetOld(app.id);
        await this.options.expiry.expire(app.id);
      },
    );
    return buildView(app.name, row);
  }

  /**
   * Empties the app's build cache.
   * @throws SlipwayError `conflict` while the app is being built, `unavailable` when the runtime cannot do it
   */
  async purgeCache(app: AppRow, signal: AbortSignal): Promise<void> {
    this.refuseSecond(app);
    const spec = { buildId: randomUUID(), appId: app.id, stack: app.stack, buildpacks: [], clearCache: true };
    try {
      await this.options.runtime.forgetImageCache(app.id);
      if (makesImages(app.stack)) return;
      // A box that is opened with an empty cache leaves it so.
      await (await this.options.runtime.openBuild(spec, signal)).close();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      // Without an image of the stack nothing was ever built.
      if (error.code === 'stack_failed') return;
      throw new SlipwayError(
        'unavailable',
        `The build cache of ${app.name} was not emptied: ${error.message}`,
        {
          cause: error,
        },
      );
    }
  }

  /** Newest first. */
  list(app: AppRow): Build[] {
    const running = this.running.get(app.id)?.deploy;
    return this.options.store
      .builds(app.id)
      .map((row) => buildView(app.name, row.id === running?.id ? running.row : row));
  }

  /** @throws SlipwayError `not_found` */
  get(app: AppRow, id: string): Build {
    const running = this.running.get(app.id)?.deploy;
    return buildView(app.name, running?.id === id ? running.row : this.find(app, id));
  }

  /** Ends a build that runs; one that has ended stays as it is. Answers once it has ended. */
  async cancel(app: AppRow, id: string): Promise<Build> {
    this.find(app, id);
    const running = this.running.get(app.id);
    if (running?.deploy.id === id) {
      running.deploy.cancel();
      await running.done;
    }
    return this.get(app, id);
  }

  /** The build's output, live until its end. */
  output(app: AppRow, id: string, signal: AbortSignal): AsyncIterable<{ text: string }> {
    this.find(app, id);
    return this.options.outputs.read(id, signal);
  }

  /** Ends what an engine before this one left: a build without a release failed, one with a release is launched. */
  resume(): void {
    const { store } = this.options;
    for (const row of store.unfinishedBuilds()) {
      const app = store.findApp(row.appId);
      if (app === null) continue;
      const deploy = new Deploy(this.options, {
        app,
        row,
        folder: app.folder ?? '',
        clearCache: false,
        user: '',
      });
      this.keep(app, deploy, () => deploy.resume());
    }
  }

  /** Cancels the app's build and waits for its end; for an app that is destroyed. */
  async abandon(appId: string): Promise<void> {
    const running = this.running.get(appId);
    running?.deploy.cancel();
    await running?.done;
  }

  /** Cancels all builds and waits for their ends. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.running.keys()].map((appId) => this.abandon(appId)));
    await Promise.all(this.tidying);
  }

  /** The folder to compile; `own` is one that nobody needs after the build. */
  private async take(source: Source): Promise<{ folder: string; own: boolean }> {
    const { uploads, samples } = this.options;
    switch (source.kind) {
      case 'folder':
        return { folder: expandHome(source.path), own: false };
      case 'upload':
        return { folder: await uploads.claim(source.upload), own: true };
      case 'sample':
        // A copy, so that it does not count as part of the work tree that Slipway itself may be in.
        return { folder: await uploads.copy(await samples.folder(source.sample)), own: true };
    }
  }

  /** Notes a build while its task runs. The next build of the app does not have to wait for the tidying behind it. */
  private keep(
    app: AppRow,
    deploy: Deploy,
    task: () => Promise<void>,
    tidy = (): Promise<void> => Promise.resolve(),
  ): void {
    const failed = (error: unknown): void => {
      this.options.onProblem(`build ${deploy.id}`, error);
    };
    const done = task()
      .catch(failed)
      .finally(() => {
        this.running.delete(app.id);
      });
    this.running.set(app.id, { deploy, done });
    const tidied = done
      .then(tidy)
      .catch(failed)
      .finally(() => this.tidying.delete(tidied));
    this.tidying.add(tidied);
  }

  private refuseSecond(app: AppRow): void {
    if (this.closed)
      throw new SlipwayError('unavailable', 'Slipway is stopping. Deploy again once it has started.');
    if (!this.running.has(app.id)) return;
    throw new SlipwayError(
      'conflict',
      `A build of ${app.name} is running. Wait for its end, or cancel it, and deploy again.`,
      { retryable: true },
    );
  }

  private find(app: AppRow, id: string): BuildRow {
    const row = this.options.store.findBuild(app.id, id);
    if (row === null)
      throw new SlipwayError(
        'not_found',
        `${app.name} has no build ${id}. \`builds\` lists the ones there are.`,
      );
    return row;
  }

  private async forgetOld(appId: string): Promise<void> {
    const { store, outputs } = this.options;
    for (const old of store.builds(appId).slice(KEPT_BUILDS)) {
      store.deleteBuild(old.id);
      await outputs.remove(old.id);
    }
  }
}
