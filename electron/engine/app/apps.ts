import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import type { App, AppState, Dyno, FormationEntry } from '#shared/model/app.ts';
import { generateAppName } from '#shared/model/names.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { DEFAULT_SIZE } from '#shared/model/size.ts';
import { DEFAULT_STACK, type StackName } from '#shared/model/stack.ts';
import type { FormationUpdate } from '#shared/contract/contract.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { AppRow, FormationRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import { firstRows, scaleFormation } from './formation.ts';

/** What the apps need of the rest of the engine. */
export interface AppsOptions {
  readonly store: Store;
  readonly ledger: ReleaseLedger;
  readonly clock: Clock;
  /** Port of the router, for URLs. */
  routerPort(): number;
  dynos(appId: string): Dyno[];
}

/** Apps and their formation, as the contract shows them. */
export class Apps {
  private readonly options: AppsOptions;

  constructor(options: AppsOptions) {
    this.options = options;
  }

  /** @throws SlipwayError `app_not_found` */
  find(nameOrId: string): AppRow {
    const app = this.options.store.findApp(nameOrId);
    if (app !== null) return app;
    throw new SlipwayError(
      'app_not_found',
      `There is no app "${nameOrId}". \`apps\` lists the ones there are.`,
    );
  }

  list(): App[] {
    return this.options.store.apps().map((app) => this.view(app));
  }

  /**
   * Makes an app with its first two releases.
   * @param name wanted name, or undefined for a generated one
   * @throws SlipwayError `name_taken`
   */
  create(name: string | undefined, user: string, stack: StackName = DEFAULT_STACK): AppRow {
    const { store, ledger, clock } = this.options;
    const app = {
      id: randomUUID(),
      name: name ?? this.freeName(),
      stack,
      folder: null,
      serving: null,
      createdAt: new Date(clock.now()).toISOString(),
    };
    store.atomically(() => {
      if (store.findApp(app.name) !== null) {
        throw new SlipwayError(
          'name_taken',
          `There is already an app named "${app.name}". Choose another name.`,
        );
      }
      store.insertApp(app);
      ledger.begin(app, user);
    });
    return this.find(app.id);
  }

  /** The app as lists show it. */
  view(app: AppRow): App {
    const { ledger } = this.options;
    const release = ledger.current(app.id);
    const formation = this.formation(app.id);
    const dynos = this.options.dynos(app.id);
    const dynosWanted = formation.reduce((sum, entry) => sum + entry.quantity, 0);
    return {
      id: app.id,
      name: app.name,
      stack: app.stack,
      createdAt: app.createdAt,
      webUrl: `http://${app.name}.localhost:${this.options.routerPort()}/`,
      state: app.asleepSince === null ? appState(release.slugId !== null, dynosWanted, dynos) : 'asleep',
      release: release.version,
      dynosUp: dynos.filter((dyno) => dyno.state === 'up').length,
      dynosWanted,
      folder: app.folder,
      options: app.options,
    };
  }

  /** Process types of the current release with their wanted dynos; `release` is none of them (reference: heroku-platform 1.1). */
  formation(appId: string): FormationEntry[] {
    return this.types(appId).filter((entry) => entry.type !== RELEASE_TYPE);
  }

  /**
   * Changes wanted dynos of several types as one (reference: heroku-platform 6.4).
   * @returns the entries that were named, as they are now, and those that changed with them
   * @throws SlipwayError `no_process_type`, `limit_reached`, `invalid_params`
   */
  scale(appId: string, updates: readonly FormationUpdate[]): FormationRow[] {
    const formation = this.types(appId);
    if (formation.length === 0) {
      throw new SlipwayError(
        'no_process_type',
        'No process types on app. Upload a Procfile to add process types.',
      );
    }
    const changed = scaleFormation(formation, updates);
    this.options.store.atomically(() => {
      for (const entry of changed) this.options.store.setFormation(appId, entry);
    });
    return changed;
  }

  /**
   * Gives process types that are new to the app their dynos.
   * @param wish formation that the source asks for; counts only when the app has none yet
   * @returns those that shall run
   */
  beginFormation(
    appId: string,
    types: readonly string[],
    wish: readonly FormationRow[] = [],
  ): FormationRow[] {
    const { store } = this.options;
    const added = firstRows(types, store.formation(appId), wish);
    for (const entry of added) store.setFormation(appId, entry);
    return added.filter((entry) => entry.quantity > 0);
  }

  private types(appId: string): FormationEntry[] {
    const { store, ledger } = this.options;
    const { slugId } = ledger.current(appId);
    const slug = slugId === null ? null : store.findSlug(slugId);
    if (slug === null) return [];
    const wanted = new Map(store.formation(appId).map((entry) => [entry.type, entry]));
    return Object.entries(slug.processTypes).map(([type, command]) => ({
      type,
      command,
      quantity: wanted.get(type)?.quantity ?? 0,
      size: wanted.get(type)?.size ?? DEFAULT_SIZE,
    }));
  }

  private freeName(): string {
    for (;;) {
      const name = generateAppName(() => this.options.clock.random());
      if (this.options.store.findApp(name) === null) return name;
    }
  }
}

function appState(hasCode: boolean, wanted: number, dynos: readonly Dyno[]): AppState {
  if (!hasCode) return 'blank';
  if (wanted === 0) return 'off';
  const deciding = dynos.some((dyno) => dyno.type === 'web')
    ? dynos.filter((dyno) => dyno.type === 'web')
    : dynos;
  if (deciding.some((dyno) => dyno.state === 'up')) return 'up';
  if (deciding.some((dyno) => dyno.state === 'crashed')) return 'crashed';
  return deciding.some((dyno) => dyno.state === 'starting') ? 'starting' : 'down';
}
