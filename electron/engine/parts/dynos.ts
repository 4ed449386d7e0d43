import type { Apps } from '../app/apps.ts';
import type { PostdeployOptions } from '../build/postdeploy.ts';
import { RESTART_POLICIES } from '../dyno/backoff.ts';
import { type DynoManagerOptions, PLATFORM_TIMERS } from '../dyno/context.ts';
import { DynoManager } from '../dyno/manager.ts';
import { quotaOf } from '../dyno/memory-watch.ts';
import type { DynoLogs } from '../logplex/dyno-logs.ts';
import type { Logplex } from '../logplex/logplex.ts';
import type { Options } from '../options.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import { ReleasePublisher } from '../release/publisher.ts';
import { RELEASE_TIMERS } from '../release/release-dyno.ts';
import type { Router } from '../router/router.ts';
import type { RoutingTable } from '../router/routing-table.ts';
import { Runs } from '../run/runs.ts';
import { RUN_TIMERS } from '../run/timers.ts';
import type { Runtime, SlugRef } from '../runtime/runtime.ts';
import type { SlugStore } from '../slug/slug-store.ts';
import { Stats } from '../stats/stats.ts';
import type { SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { Diagnostics } from '../util/diagnostics.ts';
import type { FactHub } from '../util/facts.ts';
import type { OpenRouter } from './router.ts';

/** Most dynos that are started at the same time. */
const PARALLEL_STARTS = 10;

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

/** What is needed to start dynos of any kind. */
type StartParts = Omit<DynoParts, 'router' | 'rules' | 'options' | 'facts'>;

/** Connects whatever starts dynos with store, runtime and log. */
function dynoContext(
  parts: StartParts,
): Pick<
  DynoManagerOptions,
  'store' | 'runtime' | 'clock' | 'slugRef' | 'log' | 'openOutput' | 'forgetOutput' | 'onProblem'
> {
  const { store, runtime, slugs, logplex, dynoLogs, clock, diagnostics } = parts;
  return {
    ...{ store, runtime, clock },
    slugRef: (slug) => slugRef(slugs, slug),
    log(appId, ps, text) {
      logplex.append(appId, [{ at: clock.now() * 1000, source: 'heroku', ps, stream: 'stdout', text }]);
    },
    openOutput: (appId, dynoId, name) => dynoLogs.openOutput(appId, dynoId, name),
    forgetOutput(appId, dynoId) {
      dynoLogs.forgetOutput(appId, dynoId);
    },
    onProblem: diagnostics.problem.bind(diagnostics),
  };
}

/** Connects the dyno manager with store, runtime, router and log. */
export function createDynoManager(parts: DynoParts): DynoManager {
  const { options, router, facts } = parts;
  return new DynoManager({
    ...dynoContext(parts),
    routing: parts.rules,
    timers: PLATFORM_TIMERS,
    restarts: () => RESTART_POLICIES[options.get().restartPolicy],
    cycling: () => options.get().dailyCycling,
    requests: (appId) => router.requestCounts(appId),
    parallelStarts: PARALLEL_STARTS,
    onReleaseChange(appId, version) {
      facts.publish({ kind: 'release.changed', app: appId, version });
    },
    onChange(appId) {
      facts.publish({ kind: 'dynos.changed', app: appId });
    },
  });
}

/** Connects the dynos of release and postdeploy commands with store, runtime and log. */
export function commandDynos(parts: StartParts): Omit<PostdeployOptions, 'runNames'> {
  return { ...dynoContext(parts), timers: RELEASE_TIMERS };
}

/** Connects what puts releases in force with store, runtime and log. */
export function createPublisher(
  parts: StartParts & {
    readonly facts: FactHub;
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
  parts: StartParts & {
    readonly facts: FactHub;
    readonly dynos: DynoManager;
    apiLog(appId: string, text: string): void;
  },
): Runs {
  const { dynos, facts } = parts;
  return new Runs({
    ...dynoContext(parts),
    timers: RUN_TIMERS,
    apiLog(appId, text) {
      parts.apiLog(appId, text);
    },
    dynos: (appId) => dynos.dynos(appId),
    onChange(appId) {
      facts.publish({ kind: 'dynos.changed', app: appId });
    },
  });
}

/** A slug as runtimes want it: its archive is opened when it is needed. */
function slugRef(slugs: SlugStore, slug: SlugRow): SlugRef {
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
