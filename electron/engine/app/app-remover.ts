import type { Builds } from '../build/builds.ts';
import type { BuildOutputs } from '../build/build-output.ts';
import type { DynoManager } from '../dyno/manager.ts';
import type { Logplex } from '../logplex/logplex.ts';
import type { ReleasePublisher } from '../release/publisher.ts';
import type { Runs } from '../run/runs.ts';
import type { CustomPages } from '../routing/custom-pages.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SlugStore } from '../slug/slug-store.ts';
import type { AppRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { FactHub } from '../util/facts.ts';

/** Where an app leaves traces. */
export interface AppRemoverOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly slugs: SlugStore;
  readonly logplex: Logplex;
  readonly dynos: DynoManager;
  readonly builds: Builds;
  readonly runs: Runs;
  readonly publisher: Pick<ReleasePublisher, 'abandon'>;
  readonly outputs: BuildOutputs;
  readonly pages: Pick<CustomPages, 'remove'>;
  readonly facts: FactHub;
  readonly clock: Clock;
}

/** Destroys apps with every trace of them: dynos, network, images, cache, slugs, builds, pages, log. */
export class AppRemover {
  private readonly options: AppRemoverOptions;

  constructor(options: AppRemoverOptions) {
    this.options = options;
  }

  /** Destroys an app. It is gone for everyone at once; a crash on the way is finished by `finish` at the next start. */
  async destroy(app: AppRow): Promise<void> {
    const { store, clock, dynos, builds, runs, publisher, facts } = this.options;
    store.markDestroyed(app.id, new Date(clock.now()).toISOString());
    const dynosLeft = dynos.appRemoved(app.id);
    facts.publish({ kind: 'app.destroyed', app: app.id });
    await Promise.all([builds.abandon(app.id), runs.abandon(app.id), publisher.abandon(app.id), dynosLeft]);
    await this.remove(app.id);
  }

  /** Ends destructions that a former engine began. */
  async finish(): Promise<void> {
    for (const appId of this.options.store.destroyedApps()) await this.remove(appId);
  }

  private async remove(appId: string): Promise<void> {
    const { store, runtime, slugs, logplex, outputs, pages } = this.options;
    const own = store.slugs(appId);
    await runtime.destroyApp(
      appId,
      own.map((slug) => slug.id),
    );
    await logplex.removeApp(appId);
    await pages.remove(appId);
    for (const build of store.builds(appId)) await outputs.remove(build.id);
    store.deleteApp(appId);
    const used = new Set(store.slugs().map((slug) => slug.sha256));
    for (const slug of own) if (!used.has(slug.sha256)) await slugs.remove(slug.sha256);
  }
}
