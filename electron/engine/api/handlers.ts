import { freemem, totalmem, availableParallelism } from 'node:os';
import type { Handlers, SystemInfo } from '#shared/contract/contract.ts';
import { SlipwayError } from '#shared/errors.ts';
import type { App } from '#shared/model/app.ts';
import type { AppOptions } from '#shared/model/options.ts';
import type { Apps } from '../app/apps.ts';
import { describeFormation } from '../app/formation.ts';
import type { BuildpackList } from '../app/buildpack-list.ts';
import type { Builds } from '../build/builds.ts';
import type { Disk } from '../disk/disk.ts';
import type { DynoManager } from '../dyno/manager.ts';
import type { Https } from '../https/https.ts';
import type { Logplex } from '../logplex/logplex.ts';
import { diffReleases, type ReleaseSide } from '../release/diff.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { ReleasePublisher } from '../release/publisher.ts';
import type { AppRow, ReleaseRow } from '../store/rows.ts';
import type { Options } from '../options.ts';
import type { Runs } from '../run/runs.ts';
import type { Stats } from '../stats/stats.ts';
import type { Store } from '../store/store.ts';
import type { FactHub } from '../util/facts.ts';
import type { Samples } from '../source/samples.ts';
import type { Sources } from '../source/sources.ts';
import type { SaveWatcher } from '../watch/save-watcher.ts';
import { sourceHandlers } from './source-handlers.ts';
import type { CustomPages } from '../routing/custom-pages.ts';
import type { Domains } from '../routing/domains.ts';
import type { RuleBook } from '../routing/rule-book.ts';
import { routingHandlers } from './routing-handlers.ts';
import { runHandlers } from './run-handlers.ts';
import { releaseView } from './views.ts';

/** The systems that the contract is served from. */
export interface ApiSystems {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly publisher: ReleasePublisher;
  readonly apps: Apps;
  readonly builds: Builds;
  readonly buildpackList: BuildpackList;
  readonly dynos: DynoManager;
  readonly runs: Runs;
  readonly logplex: Logplex;
  readonly facts: FactHub;
  readonly stats: Stats;
  readonly disk: Disk;
  readonly options: Options;
  readonly sources: Sources;
  readonly samples: Samples;
  readonly saves: SaveWatcher;
  readonly https: Https;
  readonly domains: Domains;
  readonly pages: CustomPages;
  readonly rules: RuleBook;
  /** Writes an `app[api]` line. */
  apiLog(appId: string, text: string): void;
  systemInfo(): Omit<SystemInfo, 'memory' | 'cpus'>;
  destroyApp(app: AppRow): Promise<void>;
}

/** One handler for each endpoint of the contract. */
export function createHandlers(systems: ApiSystems): Handlers {
  return {
    ...systemHandlers(systems),
    ...appHandlers(systems),
    ...buildHandlers(systems),
    ...releaseHandlers(systems),
    ...dynoHandlers(systems),
    ...sourceHandlers(systems),
    ...runHandlers(systems),
    ...routingHandlers(systems),
  };
}

type HandlersOf<Prefix extends string> = Pick<Handlers, Extract<keyof Handlers, `${Prefix}.${string}`>>;

function systemHandlers(systems: ApiSystems): HandlersOf<'system' | 'stats' | 'events'> {
  const { facts } = systems;
  return {
    'system.info': async () => ({
      ...systems.systemInfo(),
      memory: { totalMiB: Math.round(totalmem() / 2 ** 20), freeMiB: Math.round(freemem() / 2 ** 20) },
      cpus: availableParallelism(),
    }),
    'system.options': async () => systems.options.get(),
    'system.setOptions': async (change) => {
      const options = systems.options.set(change);
      systems.dynos.optionsChanged();
      facts.publish({ kind: 'options.changed' });
      return options;
    },
    'system.https': async () => systems.https.status(),
    'system.setHttps': ({ on }) => systems.https.set(on),
    'system.disk': () => systems.disk.use(),
    'system.cleanUp': () => systems.disk.cleanUp(),
    'stats.open': (_input, { signal }) => systems.stats.open(signal),
    'events.open': (_input, { signal }) => facts.open(signal),
  };
}

function appHandlers(systems: ApiSystems): HandlersOf<'apps' | 'logs'> {
  const { apps, logplex, facts } = systems;
  return {
    'apps.list': async () => ({ apps: apps.list() }),
    'apps.get': async ({ app }) => apps.view(apps.find(app)),
    'apps.create': async ({ name, stack }, { user }) => {
      const app = apps.create(name, user, stack);
      systems.dynos.appChanged(app.id);
      systems.apiLog(app.id, `Initial release by user ${user}`);
      systems.apiLog(app.id, `Release v1 created by user ${user}`);
      systems.apiLog(app.id, `Enable Logplex by user ${user}`);
      systems.apiLog(app.id, `Release v2 created by user ${user}`);
      facts.publish({ kind: 'app.created', app: app.id });
      systems.builds.expect(app);
      return apps.view(app);
    },
    'apps.setStack': async ({ app, stack }, { user }) => setStack(systems, apps.find(app), stack, user),
    'apps.update': async ({ app: nameOrId, ...change }, { user }) => {
      const app = apps.find(nameOrId);
      if (change.deployOnSave === true && app.folder === null) {
        throw new SlipwayError(
          'invalid_params',
          `${app.name} has no folder on this machine to watch: its contents were uploaded. Deploy it from a folder first.`,
        );
      }
      systems.store.setAppOptions(app.id, changedOptions(app.options, change));
      systems.saves.sync();
      systems.dynos.appChanged(app.id);
      systems.rules.changed(app.id);
      if (change.maintenance !== undefined && change.maintenance !== app.options.maintenance) {
        const what = change.maintenance ? 'Enable' : 'Disable';
        systems.apiLog(app.id, `${what} maintenance mode by user ${user}`);
      }
      await systems.rules.inForce();
      facts.publish({ kind: 'app.changed', app: app.id });
      return apps.view(apps.find(app.id));
    },
    'apps.destroy': async ({ app: nameOrId, confirm }) => {
      const app = apps.find(nameOrId);
      if (confirm !== app.name) {
        throw new SlipwayError(
          'invalid_params',
          `Confirmation "${confirm}" did not match "${app.name}". Nothing was destroyed. Give the app's name as confirmation.`,
        );
      }
      await systems.destroyApp(app);
      systems.saves.sync();
      return {};
    },
    'logs.recent': async ({ app, filter, lines }) => ({
      records: logplex.recent(apps.find(app).id, filter, lines),
    }),
    'logs.open': ({ app, filter, lines, after }, { signal }) =>
      logplex.open(apps.find(app).id, { filter, lines, ...(after === undefined ? {} : { after }) }, signal),
  };
}

type Changes<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

function changedOptions(options: AppOptions, change: Changes<AppOptions>): AppOptions {
  const { deployOnSave, deployOrder, sleepAfterMinutes, dynoMetadata } = change;
  return {
    deployOnSave: deployOnSave ?? options.deployOnSave,
    deployOrder: deployOrder ?? options.deployOrder,
    sleepAfterMinutes: sleepAfterMinutes === undefined ? options.sleepAfterMinutes : sleepAfterMinutes,
    dynoMetadata: dynoMetadata ?? options.dynoMetadata,
    maintenance: change.maintenance ?? options.maintenance,
    sessionAffinity: change.sessionAffinity ?? options.sessionAffinity,
    dynoChoice: change.dynoChoice ?? options.dynoChoice,
    builder: change.builder ?? options.builder,
  };
}

/** Makes no release: the next build is the first that uses it (reference: heroku-platform 6.1). */
function setStack(systems: ApiSystems, app: AppRow, stack: string, user: string): App {
  const { store, apps, facts } = systems;
  if (stack !== app.stack) {
    store.setStack(app.id, stack);
    systems.apiLog(app.id, `Stack changed from ${app.stack} to ${stack} by user ${user}`);
    facts.publish({ kind: 'app.changed', app: app.id });
  }
  return apps.view(apps.find(app.id));
}

function buildHandlers({
  apps,
  builds,
  saves,
  buildpackList,
}: ApiSystems): HandlersOf<'builds' | 'buildpacks'> {
  return {
    'buildpacks.list': async ({ app }) => buildpackList.get(apps.find(app)),
    'buildpacks.set': async ({ app, buildpacks }) => buildpackList.set(apps.find(app), buildpacks),
    'buildpacks.add': async ({ app, buildpack, index }) =>
      buildpackList.add(apps.find(app), buildpack, index),
    'buildpacks.remove': async ({ app, ...which }) => buildpackList.remove(apps.find(app), which),
    'buildpacks.clear': async ({ app }) => buildpackList.clear(apps.find(app)),
    'builds.purgeCache': async ({ app }, { signal }) => {
      await builds.purgeCache(apps.find(app), signal);
      return {};
    },
    'builds.start': async ({ app, source, clearCache }, { user }) => {
      const build = await builds.start(apps.find(app), source, { clearCache, user });
      saves.sync();
      return build;
    },
    'builds.list': async ({ app }) => ({ builds: builds.list(apps.find(app)) }),
    'builds.get': async ({ app, build }) => builds.get(apps.find(app), build),
    'builds.cancel': async ({ app, build }) => builds.cancel(apps.find(app), build),
    'builds.output': ({ app, build }, { signal }) => builds.output(apps.find(app), build, signal),
  };
}

function releaseHandlers(systems: ApiSystems): HandlersOf<'releases' | 'config'> {
  const { store, ledger, publisher, apps } = systems;
  return {
    'releases.list': async ({ app }) => {
      const { id } = apps.find(app);
      return { releases: store.releases(id).map((each) => releaseView(store, ledger, each)) };
    },
    'releases.get': async ({ app, version }) => {
      return releaseView(store, ledger, findRelease(systems, app, version));
    },
    'releases.diff': async ({ app, from, to }) => {
      const side = (version: number): ReleaseSide => {
        const release = findRelease(systems, app, version);
        return { release, slug: release.slugId === null ? null : store.findSlug(release.slugId) };
      };
      return diffReleases(side(from), side(to));
    },
    'releases.rollback': async ({ app, version }, context) => {
      const { id } = apps.find(app);
      const { release } = publisher.add(() => ledger.rollback(id, version, context.user), context);
      return releaseView(store, ledger, release);
    },
    'releases.retry': async ({ app, version }, context) => {
      const { id } = apps.find(app);
      const { release } = publisher.add(() => ledger.retry(id, version, context.user), context);
      return releaseView(store, ledger, release);
    },
    'config.get': async ({ app }) => ({ vars: ledger.current(apps.find(app).id).config }),
    'config.update': async ({ app, change }, context) => {
      const { id } = apps.find(app);
      const made = publisher.add(() => ledger.configure(id, change, context.user), context);
      if (made !== null) systems.facts.publish({ kind: 'config.changed', app: id });
      const release = made?.release ?? null;
      return {
        vars: (release ?? ledger.current(id)).config,
        release: release === null ? null : releaseView(store, ledger, release),
      };
    },
  };
}

function findRelease({ apps, store }: ApiSystems, app: string, version: number): ReleaseRow {
  const release = store.findRelease(apps.find(app).id, version);
  if (release !== null) return release;
  throw new SlipwayError(
    'no_release',
    `${app} has no release v${version}. \`releases\` lists the ones there are.`,
  );
}

function dynoHandlers(systems: ApiSystems): HandlersOf<'formation' | 'dynos'> {
  const { apps, dynos } = systems;
  return {
    'formation.get': async ({ app }) => ({ formation: apps.formation(apps.find(app).id) }),
    'formation.update': async ({ app, updates }, { user }) => {
      const { id } = apps.find(app);
      const changed = apps.scale(id, updates);
      systems.apiLog(id, `Scaled to ${describeFormation(changed)} by user ${user}`);
      dynos.appChanged(id);
      systems.facts.publish({ kind: 'formation.changed', app: id });
      return { formation: apps.formation(id) };
    },
    'dynos.list': async ({ app }) => ({ dynos: dynos.dynos(apps.find(app).id) }),
    'dynos.restart': async ({ app, dyno, type }) => {
      const { id } = apps.find(app);
      const chosen = (each: { name: string; type: string }): boolean =>
        (dyno === undefined || each.name === dyno) && (type === undefined || each.type === type);
      if (!dynos.dynos(id).some(chosen)) {
        throw new SlipwayError(
          'not_found',
          `${app} has no dyno ${dyno ?? type ?? ''} to restart. \`ps\` lists the ones there are.`,
        );
      }
      dynos.restart(id, chosen);
      return {};
    },
  };
}
