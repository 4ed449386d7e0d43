import type { Handlers, SystemInfo } from '#shared/contract/contract.ts';
import { createHandlers } from './api/handlers.ts';
import { Apps } from './app/apps.ts';
import { AppRemover } from './app/app-remover.ts';
import { BuildpackList } from './app/buildpack-list.ts';
import { BuildOutputs } from './build/build-output.ts';
import { Builds } from './build/builds.ts';
import type { Uploads } from './build/uploads.ts';
import { Disk } from './disk/disk.ts';
import { type Home, openHome } from './home.ts';
import type { Https } from './https/https.ts';
import { DynoLogs } from './logplex/dyno-logs.ts';
import { type Logplex, openLogplex } from './logplex/logplex.ts';
import type { DynoManager } from './dyno/manager.ts';
import { commandDynos, createDynoManager, createPublisher, createRuns, createStats } from './parts/dynos.ts';
import { makeRouter, type OpenRouter } from './parts/router.ts';
import { createHttps, createRouting, type OpenRouting } from './parts/routing.ts';
import { createSaveWatcher, openSources } from './parts/sources.ts';
import { SlugExpiry } from './release/expiry.ts';
import { ReleaseLedger } from './release/ledger.ts';
import { chooseRuntime } from './runtime/choose.ts';
import type { Runtime } from './runtime/runtime.ts';
import { Options } from './options.ts';
import type { Settings } from './settings.ts';
import { openSlugStore, type SlugStore } from './slug/slug-store.ts';
import { Store } from './store/store.ts';
import { type Clock, systemClock } from './util/clock.ts';
import type { Diagnostics } from './util/diagnostics.ts';
import { FactHub } from './util/facts.ts';

/** A running engine. */
export interface Engine {
  /** The contract's handlers, for a host to serve. */
  readonly handlers: Handlers;
  readonly home: Home;
  readonly routerPort: number;
  /** Where the router serves HTTPS, or null. */
  readonly routerTlsUrl: string | null;
  readonly runtimeKind: 'docker' | 'process';
  /** Tells the engine where its host serves the contract. */
  setApiUrl(url: string): void;
  /** Takes the contents of a project folder for a later build; see `Uploads.receive`. */
  readonly receiveUpload: Uploads['receive'];
  /**
   * Ends the engine: no new requests, builds cancelled, one-off dynos ended, logs on disk.
   * @param dynos whether dynos stop as well, by the platform's rule, or go on until the next engine adopts them
   */
  close(dynos: 'stop' | 'keep'): Promise<void>;
}

/** What can be put in the place of the real thing. */
export interface EngineOptions {
  readonly diagnostics: Diagnostics;
  readonly version: string;
  readonly clock?: Clock;
  /** Folder with our buildpacks and samples. */
  readonly buildpacks: string;
}

/**
 * Starts the platform on a data folder: adopts what an engine before it left running, then serves.
 * @throws SlipwayError naming the setting when home, port or runtime cannot be used
 */
export async function createEngine(settings: Settings, options: EngineOptions): Promise<Engine> {
  const started = new AsyncDisposableStack();
  try {
    return await compose(settings, options, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

/** Systems that stand on their own, each with its end in `started`. */
interface Base extends OpenRouting {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly home: Home;
  readonly store: Store;
  readonly logplex: Logplex;
  readonly runtime: Runtime;
  readonly router: OpenRouter;
  readonly slugs: SlugStore;
  readonly facts: FactHub;
  readonly dynoLogs: DynoLogs;
  readonly ledger: ReleaseLedger;
  readonly dynos: DynoManager;
  readonly options: Options;
  readonly settings: Settings;
  apiLog: (appId: string, text: string) => void;
}

async function openBase(
  settings: Settings,
  engine: EngineOptions,
  started: AsyncDisposableStack,
): Promise<Base> {
  const clock = engine.clock ?? systemClock;
  const { diagnostics } = engine;
  const home = await openHome(settings.home, settings.apiKey);
  const store = started.adopt(new Store(home.database), (it) => {
    it.close();
  });
  const logplex = started.adopt(
    await openLogplex({ folder: home.logs, clock, onProblem: diagnostics.problem.bind(diagnostics) }),
    (it) => it.close(),
  );
  const dynoLogs = started.adopt(new DynoLogs(logplex, clock), (it) => {
    it.close();
  });
  const runtime = started.adopt(await chooseRuntime(settings, home, clock, diagnostics), (it) => it.close());
  const router = started.adopt(
    makeRouter(settings, logplex, diagnostics, (appId) => {
      dynos.wake(appId);
    }),
    (it) => it.router.close(),
  );
  const slugs = openSlugStore(home.slugs);
  const facts = new FactHub();
  const options = new Options(store, settings.restart === null ? {} : { restartPolicy: settings.restart });
  const ledger = new ReleaseLedger(store, clock);
  const apiLog = (appId: string, text: string): void => {
    logplex.append(appId, [{ at: clock.now() * 1000, source: 'app', ps: 'api', stream: 'stdout', text }]);
  };
  const routing = createRouting({
    ...{ store, clock, facts, diagnostics, home, apiLog },
    router: router.router,
  });
  started.adopt(routing.pages, (it) => {
    it.close();
  });
  const dynos = started.adopt(
    createDynoManager({
      ...{ store, runtime, router: router.router, rules: routing.rules, options, slugs },
      ...{ logplex, dynoLogs, facts, clock, diagnostics },
    }),
    (it) => {
      it.close();
    },
  );
  return {
    ...routing,
    ...{ clock, diagnostics, home, store, logplex, runtime, router, slugs },
    ...{ facts, ledger, dynos, dynoLogs, options, settings, apiLog },
  };
}

/** Systems that are made of the base; none of them has begun to work. */
async function assemble(base: Base, options: EngineOptions) {
  const { clock, diagnostics, home, store, ledger, router, dynos, runtime } = base;
  const apps = new Apps({
    ...{ store, ledger, clock },
    routerPort: () => router.port,
    dynos: (appId) => dynos.dynos(appId),
  });
  const outputs = new BuildOutputs(home.builds);
  const sources = await openSources(base, options.buildpacks);
  const publisher = createPublisher(base, apps);
  const runs = createRuns(base);
  const expiry = new SlugExpiry({ ...base, slugsOfRuns: () => runs.slugsInUse() });
  const builds = new Builds({
    ...{ ...base, ...sources, publisher, apps, outputs, expiry },
    postdeploy: {
      ...commandDynos(base),
      runNames: (appId) => new Set(runs.list(appId).map((run) => run.name)),
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  });
  const buildpackList = new BuildpackList(base);
  const remover = new AppRemover({ ...base, builds, runs, publisher, outputs });
  const saves = createSaveWatcher({ ...base, builds });
  runtime.onAvailability(() => {
    base.facts.publish({ kind: 'runtime.changed' });
  });
  return { ...sources, publisher, apps, builds, buildpackList, runs, remover, saves };
}

async function compose(
  settings: Settings,
  options: EngineOptions,
  started: AsyncDisposableStack,
): Promise<Engine> {
  const base = await openBase(settings, options, started);
  const { home, runtime, router, dynos } = base;
  const systems = await assemble(base, options);
  const { builds, runs, publisher, remover, saves, uploads } = systems;
  await cleanUp({ ...base, uploads, remover });
  publisher.recover();
  await runs.resume();
  await base.pages.start();
  dynos.announce();
  await router.listen();
  const https = createHttps(base);
  await https.start();
  await dynos.start();
  builds.resume();
  started.adopt(saves, (it) => it.close());
  saves.sync();

  let apiUrl = '';
  const systemInfo = systemInfoOf(base, https, options.version, () => apiUrl);
  const all = started.move();
  return {
    handlers: createHandlers({
      ...{ ...base, ...systems, systemInfo, https },
      stats: createStats(base),
      disk: new Disk(base),
      destroyApp: (app) => remover.destroy(app),
    }),
    home,
    routerPort: router.port,
    get routerTlsUrl() {
      return https.url;
    },
    runtimeKind: runtime.kind,
    setApiUrl(url) {
      apiUrl = url;
    },
    receiveUpload: (tar) => uploads.receive(tar),
    async close(what) {
      await Promise.all([builds.close(), runs.close(what), publisher.close()]);
      if (what === 'stop') await dynos.stopAll();
      await all.disposeAsync();
    },
  };
}

/** What the engine tells of itself and what it runs on. */
function systemInfoOf(
  { clock, home, runtime, router }: Base,
  https: Https,
  version: string,
  apiUrl: () => string,
): () => Omit<SystemInfo, 'memory' | 'cpus'> {
  const startedAt = new Date(clock.now()).toISOString();
  return () => ({
    version,
    runtime: { ...runtime.info(), notes: [...runtime.info().notes] },
    home: home.folder,
    apiUrl: apiUrl(),
    routerUrl: `http://localhost:${router.port}`,
    routerTlsUrl: https.url,
    startedAt,
  });
}

/** Ends destructions that a former engine began, and removes what it left half-made. */
async function cleanUp(parts: {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly slugs: SlugStore;
  readonly logplex: Logplex;
  readonly uploads: Uploads;
  readonly remover: AppRemover;
}): Promise<void> {
  const { store, runtime, slugs, logplex, uploads, remover } = parts;
  await remover.finish();
  await uploads.clear();
  const appIds = store.apps().map((app) => app.id);
  const kept = store.slugs();
  await slugs.sweep(new Set(kept.map((slug) => slug.sha256)));
  await logplex.sweep(appIds);
  await runtime.sweep({ appIds, slugIds: kept.map((slug) => slug.id) });
}
