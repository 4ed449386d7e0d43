import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '#shared/errors.ts';
import type { Apps } from './app/apps.ts';
import { Uploads } from './build/uploads.ts';
import { RESTART_POLICIES } from './dyno/backoff.ts';
import { PLATFORM_TIMERS } from './dyno/context.ts';
import { DynoManager } from './dyno/manager.ts';
import { quotaOf } from './dyno/memory-watch.ts';
import type { Home } from './home.ts';
import type { DynoLogs } from './logplex/dyno-logs.ts';
import type { Logplex } from './logplex/logplex.ts';
import type { ReleaseLedger } from './release/ledger.ts';
import { ReleasePublisher } from './release/publisher.ts';
import { RELEASE_TIMERS } from './release/release-dyno.ts';
import { ListenError } from './router/listener.ts';
import type { Router } from './router/router.ts';
import { createThreadedRouter } from './router/threaded-router.ts';
import { Runs } from './run/runs.ts';
import { RUN_TIMERS } from './run/timers.ts';
import type { Runtime, SlugRef } from './runtime/runtime.ts';
import type { Options } from './options.ts';
import type { Settings } from './settings.ts';
import { Samples } from './source/samples.ts';
import { Sources } from './source/sources.ts';
import { RequestBuckets } from './stats/request-buckets.ts';
import { Stats } from './stats/stats.ts';
import { type Buildpack, findBuildpacks } from './slug/buildpacks.ts';
import type { SlugStore } from './slug/slug-store.ts';
import type { SlugRow } from './store/rows.ts';
import type { Store } from './store/store.ts';
import type { Builds } from './build/builds.ts';
import { SaveWatcher } from './watch/save-watcher.ts';
import type { Clock } from './util/clock.ts';
import type { Diagnostics } from './util/diagnostics.ts';
import type { FactHub } from './util/facts.ts';

const OWN_BUILDPACKS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'buildpacks');

/** Most dynos that are started at the same time. */
const PARALLEL_STARTS = 10;

/** A router and what it counts. */
export interface OpenRouter {
  readonly router: Router;
  /** The port that it listens on; 0 before `listen`. */
  readonly port: number;
  /** Requests that it answered. */
  readonly requests: RequestBuckets;
  /**
   * Takes requests from now on; the router has to know the apps.
   * @throws SlipwayError `unavailable` naming SLIPWAY_ROUTER_PORT when the port cannot be had
   */
  listen(): Promise<void>;
}

/**
 * Makes the router.
 * @param wake hears of requests for an app that sleeps
 */
export function makeRouter(
  settings: Settings,
  logplex: Logplex,
  diagnostics: Diagnostics,
  wake: (appId: string) => void,
): OpenRouter {
  const requests = new RequestBuckets();
  const router = createThreadedRouter({
    wake,
    onProblem: diagnostics.problem.bind(diagnostics),
    log: (appId, lines) => {
      for (const { at, status } of lines) requests.count(appId, status, at / 1000);
      logplex.append(
        appId,
        lines.map(({ at, text }) => ({ at, source: 'heroku', ps: 'router', stream: 'stdout', text })),
      );
    },
  });
  let port = 0;
  return {
    router,
    requests,
    get port() {
      return port;
    },
    async listen() {
      try {
        ({ port } = await router.listen(settings.routerPort, ['127.0.0.1', '::1']));
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        throw portProblem('SLIPWAY_ROUTER_PORT', error.port, error.code);
      }
    },
  };
}

/** A port that cannot be had, as the one line that a user gets. */
export function portProblem(setting: string, port: number, code: string): SlipwayError {
  const reason = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be opened (${code})`;
  return new SlipwayError(
    'unavailable',
    `Port ${port} (${setting}) ${reason}. Stop that program, or set ${setting} to another port; 0 takes any free one.`,
  );
}

/** What the dyno manager is made from. */
export interface DynoParts {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly options: Options;
  readonly router: Router;
  readonly slugs: SlugStore;
  readonly logplex: Logplex;
  readonly dynoLogs: DynoLogs;
  readonly facts: FactHub;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
}

/** Connects the dyno manager with store, runtime, router and log. */
export function createDynoManager(parts: DynoParts): DynoManager {
  const { store, runtime, options, router, slugs, logplex, dynoLogs, facts, clock, diagnostics } = parts;
  return new DynoManager({
    store,
    runtime,
    routing: router,
    clock,
    timers: PLATFORM_TIMERS,
    restarts: () => RESTART_POLICIES[options.get().restartPolicy],
    cycling: () => options.get().dailyCycling,
    requests: (appId) => router.requestCounts(appId),
    parallelStarts: PARALLEL_STARTS,
    slugRef: (slug) => slugRef(slugs, slug),
    log(appId, ps, text) {
      logplex.append(appId, [{ at: clock.now() * 1000, source: 'heroku', ps, stream: 'stdout', text }]);
    },
    openOutput: (appId, dynoId, name) => dynoLogs.openOutput(appId, dynoId, name),
    forgetOutput(appId, dynoId) {
      dynoLogs.forgetOutput(appId, dynoId);
    },
    onReleaseChange(appId, version) {
      facts.publish({ kind: 'release.changed', app: appId, version });
    },
    onChange(appId) {
      facts.publish({ kind: 'dynos.changed', app: appId });
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  });
}

/** Connects what puts releases in force with store, runtime and log. */
export function createPublisher(
  parts: Omit<DynoParts, 'router' | 'options'> & {
    readonly ledger: ReleaseLedger;
    readonly dynos: DynoManager;
    apiLog(appId: string, text: string): void;
  },
  apps: Apps,
): ReleasePublisher {
  const { store, ledger, dynos, facts, runtime, slugs, logplex, dynoLogs, clock, diagnostics } = parts;
  return new ReleasePublisher({
    ...{ store, ledger, apps, dynos, facts, runtime, clock },
    timers: RELEASE_TIMERS,
    slugRef: (slug) => slugRef(slugs, slug),
    apiLog(appId, text) {
      parts.apiLog(appId, text);
    },
    log(appId, ps, text) {
      logplex.append(appId, [{ at: clock.now() * 1000, source: 'heroku', ps, stream: 'stdout', text }]);
    },
    openOutput: (appId, dynoId, name) => dynoLogs.openOutput(appId, dynoId, name),
    forgetOutput(appId, dynoId) {
      dynoLogs.forgetOutput(appId, dynoId);
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  });
}

/** Connects the statistics with what they count. */
export function createStats(parts: {
  readonly clock: Clock;
  readonly router: OpenRouter;
  readonly store: Store;
  readonly dynos: DynoManager;
  readonly runtime: Runtime;
  readonly diagnostics: Diagnostics;
}): Stats {
  const { clock, router, store, dynos, runtime, diagnostics } = parts;
  return new Stats({
    clock,
    requests: router.requests,
    apps: () => store.apps().map((app) => app.id),
    dynos: (appId) => dynos.dynos(appId),
    memoryOf: () => runtime.memoryOf(),
    quotaOf: (size) => quotaOf(runtime, size),
    onProblem: diagnostics.problem.bind(diagnostics),
  });
}

/** Connects the one-off dynos with store, runtime and log. */
export function createRuns(
  parts: Pick<
    DynoParts,
    'store' | 'runtime' | 'slugs' | 'logplex' | 'dynoLogs' | 'facts' | 'clock' | 'diagnostics'
  > & {
    readonly dynos: DynoManager;
    apiLog(appId: string, text: string): void;
  },
): Runs {
  const { store, runtime, slugs, dynos, logplex, dynoLogs, facts, clock, diagnostics } = parts;
  return new Runs({
    ...{ store, runtime, clock },
    timers: RUN_TIMERS,
    slugRef: (slug) => slugRef(slugs, slug),
    apiLog(appId, text) {
      parts.apiLog(appId, text);
    },
    log(appId, ps, text) {
      logplex.append(appId, [{ at: clock.now() * 1000, source: 'heroku', ps, stream: 'stdout', text }]);
    },
    openOutput: (appId, dynoId, name) => dynoLogs.openOutput(appId, dynoId, name),
    forgetOutput(appId, dynoId) {
      dynoLogs.forgetOutput(appId, dynoId);
    },
    dynos: (appId) => dynos.dynos(appId),
    onChange(appId) {
      facts.publish({ kind: 'dynos.changed', app: appId });
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  });
}

/** Where code comes from, and what knows it. */
export interface OpenSources {
  readonly buildpacks: readonly Buildpack[];
  readonly uploads: Uploads;
  readonly samples: Samples;
  readonly sources: Sources;
}

/** Finds buildpacks and samples, and opens the uploads. @param folder with other buildpacks than our own */
export async function openSources(
  parts: { readonly home: Home; readonly store: Store; readonly clock: Clock },
  folder = OWN_BUILDPACKS,
): Promise<OpenSources> {
  const { home, store, clock } = parts;
  const buildpacks = await findBuildpacks(folder);
  const uploads = new Uploads(home.uploads);
  const samples = new Samples(join(folder, 'samples'));
  const sources = new Sources({
    ...{ uploads, samples, buildpacks },
    apps: () => store.apps(),
    isTaken: (name) => store.findApp(name) !== null,
    random: () => clock.random(),
  });
  return { buildpacks, uploads, samples, sources };
}

/** Connects the watcher of folders with store and builds. */
export function createSaveWatcher(parts: {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly builds: Builds;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
}): SaveWatcher {
  const { store, ledger, builds, clock, diagnostics } = parts;
  return new SaveWatcher({
    clock,
    apps: () => store.apps().filter((app) => app.options.deployOnSave),
    deploy: (app, path) =>
      builds.start(app, { kind: 'folder', path }, { clearCache: false, user: ledger.current(app.id).user }),
    onProblem: diagnostics.problem.bind(diagnostics),
  });
}

/** A slug as runtimes want it: its archive is opened when it is needed. */
export function slugRef(slugs: SlugStore, slug: SlugRow): SlugRef {
  return {
    id: slug.id,
    appId: slug.appId,
    stack: slug.stack,
    sha256: slug.sha256,
    parts: slug.parts,
    open: (part) => slugs.open(slug.sha256, part),
    verify: () => slugs.verify(slug.sha256),
  };
}
