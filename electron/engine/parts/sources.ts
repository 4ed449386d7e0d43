import { join } from 'node:path';
import type { Builds } from '../build/builds.ts';
import { Uploads } from '../build/uploads.ts';
import type { Home } from '../home.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { Settings } from '../settings.ts';
import { type Buildpack, findBuildpacks } from '../slug/buildpacks.ts';
import { BuildpackStore } from '../slug/fetch/buildpack-store.ts';
import { Samples } from '../source/samples.ts';
import { Sources } from '../source/sources.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { Diagnostics } from '../util/diagnostics.ts';
import { SaveWatcher } from '../watch/save-watcher.ts';

/** Where code comes from, and what knows it. */
export interface OpenSources {
  readonly buildpacks: readonly Buildpack[];
  readonly buildpackStore: BuildpackStore;
  readonly uploads: Uploads;
  readonly samples: Samples;
  readonly sources: Sources;
}

/** Finds buildpacks and samples, and opens the uploads. @param folder with our buildpacks and samples */
export async function openSources(
  parts: {
    readonly home: Home;
    readonly store: Store;
    readonly clock: Clock;
    readonly settings: Pick<Settings, 'buildpackRegistry'>;
  },
  folder: string,
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
