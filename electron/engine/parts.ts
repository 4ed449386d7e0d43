import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '#shared/errors.ts';
import type { Apps } from './app/apps.ts';
import type { PostdeployOptions } from './build/postdeploy.ts';
import { Uploads } from './build/uploads.ts';
import { RESTART_POLICIES } from './dyno/backoff.ts';
import { PLATFORM_TIMERS } from './dyno/context.ts';
import { DynoManager } from './dyno/manager.ts';
import { quotaOf } from './dyno/memory-watch.ts';
import type { Home } from './home.ts';
import { Https } from './https/https.ts';
import type { DynoLogs } from './logplex/dyno-logs.ts';
import type { Logplex } from './logplex/logplex.ts';
import type { ReleaseLedger } from './release/ledger.ts';
import { ReleasePublisher } from './release/publisher.ts';
import { RELEASE_TIMERS } from './release/release-dyno.ts';
import { CustomPages } from './routing/custom-pages.ts';
import { Domains } from './routing/domains.ts';
import { RuleBook } from './routing/rule-book.ts';
import { ListenError } from './router/listener.ts';
import type { Router } from './router/router.ts';
import type { RoutingTable } from './router/routing-table.ts';
import { createThreadedRouter } from './router/threaded-router.ts';
import type { KeyPair } from './router/tls-gate.ts';
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
import { BuildpackStore } from './slug/fetch/buildpack-store.ts';
import type { SlugStore } from './slug/slug-store.ts';
import type { SlugRow } from './store/rows.ts';
import type { Store } from './store/store.ts';
import type { Builds } from './build/builds.ts';
import { SaveWatcher } from './watch/save-watcher.ts';
import type { Clock } from './util/clock.ts';
import type { Diagnostics } from './util/diagnostics.ts';
import type { FactHub } from './util/facts.ts';

const OWN_BUILDPACKS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'buildpacks');

/** Where the router listens. */
const LOOPBACK = ['127.0.0.1', '::1'];

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
  /**
   * Serves HTTPS as well.
   * @throws SlipwayError `unavailable` naming SLIPWAY_ROUTER_TLS_PORT when the port cannot be had
   */
  listenTls(authority: KeyPair): Promise<{ readonly port: number }>;
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
    threads: settings.routerThreads,
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
      const listening = router.listen(settings.routerPort, LOOPBACK);
      ({ port } = await named('SLIPWAY_ROUTER_PORT', listening));
    },
    listenTls(authority) {
      const listening = router.listenTls(settings.routerTlsPort, LOOPBACK, authority);
      return named('SLIPWAY_ROUTER_TLS_PORT', listening);
    },
  };
}

/** Waits for a port; one that cannot be had is told with the name of its setting. */
async function named<Result>(setting: string, listening: Promise<Result>): Promise<Result> {
  try {
    return await listening;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw portProblem(setting, error.port, error.code);
  }
}

/** Connects HTTPS with router and store. It has to be started. */
export function createHttps(parts: {
  readonly router: OpenRouter;
  readonly store: Store;
  readonly clock: Clock;
  readonly home: Home;
  readonly facts: FactHub;
}): Https {
  const { router, store, clock, home, facts } = parts;
  return new Https({
    ...{ folder: home.https, store, clock, platform: process.platform },
    open: (authority) => router.listenTls(authority),
    close: () => {
      router.router.closeTls();
    },
    onChange() {
      facts.publish({ kind: 'options.changed' });
    },
  });
}

/** A port that cannot be had, as the one line that a user gets. */
export function portProblem(setting: string, port: number, code: string): SlipwayError {
  const reason = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be opened (${code})`;
  return new SlipwayError(
    'unavailable',
    `Port ${port} (${setting}) ${reason}. Stop that program, or set ${setting} to another port; 0 takes any free one.`,
  );
}

/** What people set for the requests of their apps. */
export interface OpenRouting {
  /** The router as the dyno manager sees it. */
  readonly rules: RuleBook;
  readonly domains: Domains;
  readonly pages: CustomPages;
}

/** Connects what people set for the requests of their apps with store and router. The pages have to be started. */
export function createRouting(
  parts: Pick<DynoParts, 'store' | 'clock' | 'facts' | 'diagnostics' | 'router'> & {
    readonly home: Home;
    apiLog(appId: string, text: string): void;
  },
): OpenRouting {
  const { store, clock, facts, diagnostics, router, home } = parts;
  const pages = new CustomPages({
    ...{ folder: home.pages, store, clock, facts },
    onChange: (appId) => {
      rules.changed(appId);
    },
    log: (appId, text) => {
      parts.apiLog(appId, text);
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  });
  const rules = new RuleBook({ router, store, pages: (appId) => pages.of(appId) });
  const domains = new Domains({
    ...{ store, clock },
    onChange(appId) {
      rules.changed(appId);
      facts.publish({ kind: 'app.changed', app: appId });
    },
  });
  return { rules, domains, pages };
}

/** What the dyno manager is made from. */
export interface DynoParts {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly options: Options;
  readonly router: Router;
  /** Takes the routes to the router. */
  readonly rules: RoutingTable;
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
    routing: parts.rules,
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

/** Connects the dynos of release and postdeploy commands with store, runtime and log. */
export function commandDynos(
  parts: Omit<DynoParts, 'router' | 'rules' | 'options'>,
): Omit<PostdeployOptions, 'runNames'> {
  const { store, runtime, slugs, logplex, dynoLogs, clock, diagnostics } = parts;
  return {
    ...{ store, runtime, clock, timers: RELEASE_TIMERS },
    slugRef: (slug: SlugRow) => slugRef(slugs, slug),
    log(appId: string, ps: string, text: string): void {
      logplex.append(appId, [{ at: clock.now() * 1000, source: 'heroku', ps, stream: 'stdout', text }]);
    },
    openOutput: (appId: string, dynoId: string, name: string) => dynoLogs.openOutput(appId, dynoId, name),
    forgetOutput(appId: string, dynoId: string): void {
      dynoLogs.forgetOutput(appId, dynoId);
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  };
}

/** Connects what puts releases in force with store, runtime and log. */
export function createPublisher(
  parts: Omit<DynoParts, 'router' | 'rules' | 'options'> & {
    readonly ledger: ReleaseLedger;
    readonly dynos: DynoManager;
    apiLog(appId: string, text: string): void;
  },
  apps: Apps,
): ReleasePublisher {
  const { ledger, dynos, facts } = parts;
  return new ReleasePublisher({
    ...{ ...commandDynos(parts), ledger, apps, dynos, facts },
    apiLog(appId, text) {
      parts.apiLog(appId, text);
    },
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
    traffic: (appId) => router.router.requestCounts(appId),
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
  readonly buildpackStore: BuildpackStore;
  readonly uploads: Uploads;
  readonly samples: Samples;
  readonly sources: Sources;
}

/** Finds buildpacks and samples, and opens the uploads. @param folder with other buildpacks than our own */
export async function openSources(
  parts: {
    readonly home: Home;
    readonly store: Store;
    readonly clock: Clock;
    readonly settings: Pick<Settings, 'buildpackRegistry'>;
  },
  folder = OWN_BUILDPACKS,
): Promise<OpenSources> {
  const { home, store, clock, settings } = parts;
  const buildpacks = await findBuildpacks(folder);
  const buildpackStore = new BuildpackStore({
    ...{ folder: home.buildpacks, own: buildpacks, registry: settings.buildpackRegistry },
    now: () => clock.now(),
  });
  await buildpackStore.sweep();
  const uploads = new Uploads(home.uploads);
  const samples = new Samples(join(folder, 'samples'));
  const sources = new Sources({
    ...{ uploads, samples, buildpacks },
    apps: () => store.apps(),
    isTaken: (name) => store.findApp(name) !== null,
    random: () => clock.random(),
  });
  return { buildpacks, buildpackStore, uploads, samples, sources };
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
    images: slug.images,
    open: (part) => slugs.open(slug.sha256, part),
    verify: () => slugs.verify(slug.sha256),
  };
}
