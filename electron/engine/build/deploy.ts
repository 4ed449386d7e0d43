import { ConfigChange } from '#shared/model/config.ts';
import type { Apps } from '../app/apps.ts';
import type { DynoManager } from '../dyno/manager.ts';
import type { Logplex } from '../logplex/logplex.ts';
import { describeDeploy, type ReleaseLedger } from '../release/ledger.ts';
import { ReleaseFailed, type ReleasePublisher } from '../release/publisher.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Buildpack } from '../slug/buildpacks.ts';
import type { AppState, CompiledSlug } from '../slug/compile-order.ts';
import { compileSlug } from '../slug/compiler.ts';
import { BuildFailure, toBuildFailure } from '../slug/failure.ts';
import type { BuildpackStore } from '../slug/fetch/buildpack-store.ts';
import { bang, detail } from '../slug/output-text.ts';
import { PhaseRunner } from '../slug/phases.ts';
import type { SlugStore } from '../slug/slug-store.ts';
import type { ProjectSource } from '../slug/source.ts';
import type { Home } from '../home.ts';
import type { Options } from '../options.ts';
import type { AppRow, BuildRow, ReleaseRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { FactHub } from '../util/facts.ts';
import { noAddons, setUpApp } from './app-setup.ts';
import type { BuildOutput } from './build-output.ts';
import { BuildRecord } from './build-record.ts';
import { DiskGuard } from './disk-guard.ts';
import { knownParts } from './known-parts.ts';
import { LineLog } from './line-log.ts';
import { type PostdeployOptions, runPostdeploy } from './postdeploy.ts';
import { newSlug, releaseFailure, releaseText, sameSource } from './release-step.ts';

/** What a deploy needs of the rest of the engine. */
export interface DeployOptions {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly publisher: ReleasePublisher;
  readonly apps: Apps;
  readonly dynos: DynoManager;
  readonly runtime: Runtime;
  readonly slugs: SlugStore;
  readonly logplex: Logplex;
  readonly facts: FactHub;
  readonly clock: Clock;
  readonly buildpacks: readonly Buildpack[];
  readonly buildpackStore: BuildpackStore;
  readonly options: Pick<Options, 'get'>;
  readonly home: Pick<Home, 'folder'>;
  readonly postdeploy: PostdeployOptions;
  readonly apiLog: (appId: string, text: string) => void;
  onProblem(what: string, error: unknown): void;
}

/** What is deployed. */
export interface DeployOrder {
  readonly app: AppRow;
  readonly row: BuildRow;
  readonly folder: string;
  readonly clearCache: boolean;
  readonly user: string;
}

/** One deploy from source to serving dynos; its row in the store always says how far it came. */
export class Deploy {
  readonly id: string;
  private readonly options: DeployOptions;
  private readonly order: DeployOrder;
  private readonly abort = new AbortController();
  private readonly phases: PhaseRunner;
  private readonly record: BuildRecord;
  /** Command to be run once behind the app's first release. */
  private postdeploy: string | null = null;

  constructor(options: DeployOptions, order: DeployOrder) {
    this.options = options;
    this.order = order;
    this.id = order.row.id;
    this.record = new BuildRecord(options, order.row);
    this.phases = new PhaseRunner(
      options.clock,
      (phases) => {
        this.record.note({ phases: [...phases] });
      },
      order.row.phases,
    );
  }

  /** How far it has come; the store may know of phases a moment later. */
  get row(): BuildRow {
    return this.record.row;
  }

  /** Ends the deploy as soon as it can; before its release nothing of it stays. */
  cancel(): void {
    this.abort.abort();
  }

  /** Compiles, releases and launches. Never throws for a failed build: the row and the output say it. */
  async run(output: BuildOutput): Promise<void> {
    const { app, user } = this.order;
    const lines = new LineLog((texts) => {
      const at = this.options.clock.now() * 1000;
      this.options.logplex.append(
        app.id,
        texts.map((text) => ({ at, source: 'app', ps: 'build', stream: 'stdout', text })),
      );
    });
    const write = (text: string): void => {
      output.write(text);
      lines.write(text);
    };
    this.options.apiLog(app.id, `Build started by user ${user}`);
    const reservation = this.options.dynos.reserve(app.id);
    let compiled: CompiledSlug | null = null;
    try {
      const made = await this.compile(write);
      compiled = made;
      const release = await this.phases.run('release', () => this.release(made, write, output));
      const command = this.runPostdeploy(write);
      await this.phases.run('launch', () => this.launch(release.version));
      await command;
      write(detail(`${this.options.apps.view(app).webUrl} deployed to Slipway`));
    } catch (error) {
      this.fail(error, write);
      if (this.row.release === null && compiled?.images != null)
        await this.options.runtime.unstage(compiled.id).catch(() => undefined);
    } finally {
      reservation.release();
      this.record.saveAnyway({ finishedAt: new Date(this.options.clock.now()).toISOString() });
      lines.end();
      output.end();
    }
  }

  /** Ends a deploy that a former engine began: without a release it failed, with one it only has to be launched. */
  async resume(): Promise<void> {
    const { release } = this.row;
    try {
      if (release === null) {
        await this.phases.run(this.interruptedPhase(), () =>
          Promise.reject(
            new BuildFailure(
              'interrupted',
              'Slipway ended while it compiled. Nothing was released: deploy again.',
            ),
          ),
        );
      } else {
        await this.resumeRelease(release);
        await this.phases.run('launch', () => this.launch(release));
      }
    } catch (error) {
      this.fail(error, () => undefined);
    } finally {
      this.record.save({ finishedAt: new Date(this.options.clock.now()).toISOString() });
    }
  }

  private async compile(write: (text: string) => void): Promise<CompiledSlug> {
    const { app, folder, clearCache } = this.order;
    const { store, ledger, runtime, slugs, buildpacks, buildpackStore, options } = this.options;
    const first = ledger.current(app.id).slugId === null;
    using guard = new DiskGuard(this.options.home.folder);
    const known = knownParts(store, slugs, app.id);
    // A build that fails before may need none.
    known.catch(() => undefined);
    return await compileSlug(
      {
        ...{ buildId: this.id, appId: app.id, appName: app.name, folder, first, clearCache },
        ...{ stack: app.stack, known },
        timeoutMs: options.get().buildMinutes * 60_000,
        diskFull: guard.signal,
        begin: (source) => this.begin(source, first, write),
      },
      {
        ...{ runtime, slugs, buildpacks, buildpackStore, phases: this.phases },
        ...{ output: write, signal: this.abort.signal },
      },
    );
  }

  /** Sets a new app up, and tells what every build needs to know of its app. */
  private async begin(
    source: ProjectSource,
    first: boolean,
    write: (text: string) => void,
  ): Promise<AppState> {
    const { store, ledger } = this.options;
    const { app } = this.order;
    if (!source.changed) this.record.note({ sourceCommit: source.commit });
    if (first) this.postdeploy = (await setUpApp(this.options, this.order, source, write)).postdeploy;
    const { detectedBuildpack: detected = null, stack, options } = store.findApp(app.id) ?? app;
    return {
      ...{ stack, builder: options.builder },
      config: ledger.current(app.id).config,
      buildpacks: { list: store.buildpacks(app.id), detected },
    };
  }

  /** Runs beside the start of the dynos; what goes wrong with it is told behind that. */
  private runPostdeploy(write: (text: string) => void): Promise<void> {
    if (this.postdeploy === null) return Promise.resolve();
    const { app } = this.order;
    const done = runPostdeploy(this.options.postdeploy, app, this.postdeploy, write, this.abort.signal);
    done.catch(() => undefined);
    return done;
  }

  /** Writes slug, release and first formation down as one change, tells everyone, and waits for the release command, if there is one. */
  private async release(
    compiled: CompiledSlug,
    write: (text: string) => void,
    output: BuildOutput,
  ): Promise<ReleaseRow> {
    const { publisher, ledger, clock, apiLog } = this.options;
    const { app, user } = this.order;
    const deploy = () => ({
      slug: newSlug(app, compiled, clock.now()),
      description: describeDeploy(compiled),
      user,
    });
    await publisher.idle(app.id, this.abort.signal);
    this.abort.signal.throwIfAborted();
    this.noteBuildpack(compiled, write);
    const { release, done } = publisher.add(() => ledger.deploy(app.id, deploy()), {
      user,
      formation: compiled.formation,
      onText(text) {
        output.write(text);
      },
    });
    this.record.save({ status: 'succeeded', release: release.version });
    apiLog(app.id, 'Build succeeded');
    write(releaseText(release));
    await this.inForce(release.version, done);
    return release;
  }

  /** Keeps what was found for later builds, and gives a new app what its buildpack asks for (reference: heroku-platform 2.2, 2.4). */
  private noteBuildpack(compiled: CompiledSlug, write: (text: string) => void): void {
    const { detected, wishes } = compiled;
    const { store, ledger, publisher, facts } = this.options;
    const { app, user } = this.order;
    if (detected !== null && store.findApp(app.id)?.detectedBuildpack !== detected) {
      store.setDetectedBuildpack(app.id, detected);
      facts.publish({ kind: 'app.changed', app: app.id });
    }
    const current = ledger.current(app.id);
    if (current.slugId !== null) return;
    if ((wishes.addons ?? []).length > 0)
      write(noAddons(compiled.images === null ? 'The buildpack' : 'heroku.yml', wishes.addons ?? []));
    const change = ConfigChange.safeParse({ ...wishes.config_vars, ...current.config });
    if (change.success) publisher.add(() => ledger.configure(app.id, change.data, user), { user });
    else write(bang('Warning: the config vars of bin/release are not used, as their names are not allowed.'));
  }

  /** Waits until the release is in force. The end of the deploy ends its release command. */
  private async inForce(version: number, done: Promise<void>): Promise<void> {
    const { signal } = this.abort;
    const stop = (): void => {
      this.options.publisher.stop(this.order.app.id);
    };
    signal.addEventListener('abort', stop);
    try {
      await done;
    } catch (error) {
      if (error instanceof ReleaseFailed) throw this.releaseFailed(version, error.message);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  private releaseFailed(version: number, reason: string): BuildFailure {
    return releaseFailure(version, reason, this.options.ledger.current(this.order.app.id));
  }

  /** Ends the phase in which a former engine ended: by now it is known whether the release is in force. */
  private async resumeRelease(version: number): Promise<void> {
    const { store } = this.options;
    if (this.row.phases.some((phase) => phase.name === 'release' && phase.state === 'done')) return;
    await this.phases.run('release', async () => {
      if (store.findRelease(this.order.app.id, version)?.status !== 'failed') return;
      throw this.releaseFailed(version, 'Slipway ended while its release command ran');
    });
  }

  private async launch(version: number): Promise<void> {
    const result = await this.options.dynos.untilServing(this.order.app.id, version, this.abort.signal);
    if (result.serving) return;
    const before = this.options.store.findApp(this.order.app.id)?.serving ?? null;
    const consequence = before === null ? 'It is started again and again' : `v${before} goes on serving`;
    throw new BuildFailure(
      'launch_failed',
      `v${version} does not come up: ${result.reason}. ${consequence}; the app's log says more.`,
    );
  }

  private fail(error: unknown, write: (text: string) => void): void {
    const failure = toBuildFailure(error, this.abort.signal);
    if (failure.code === 'internal') this.options.onProblem(`build ${this.id}`, error);
    const released = this.row.release !== null;
    if (!failure.said) write(bang(failure.message));
    if (!released) {
      write(bang('Push failed'));
      write(this.sameSourceWarning());
      this.options.apiLog(this.order.app.id, 'Build failed -- check your build output');
    }
    this.record.saveAnyway({
      status: released ? 'succeeded' : 'failed',
      phases: [...this.phases.phases],
      failure: { code: failure.code, message: failure.message },
    });
  }

  /** What the platform says when a commit fails again (reference: heroku-platform 2.5). */
  private sameSourceWarning(): string {
    const { sourceCommit } = this.row;
    if (sourceCommit === null) return '';
    const earlier = this.options.store.builds(this.order.app.id).filter((build) => build.id !== this.id);
    return earlier.some((build) => build.sourceCommit === sourceCommit) ? sameSource(sourceCommit) : '';
  }

  private interruptedPhase() {
    const running = this.row.phases.find((phase) => phase.state === 'running');
    return (running ?? this.row.phases.find((phase) => phase.state === 'waiting'))?.name ?? 'release';
  }
}
