import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import type { App, AppState, Dyno, FormationEntry } from '#shared/model/app.ts';
import { generateAppName } from '#shared/model/names.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { DEFAULT_SIZE, findSize } from '#shared/model/size.ts';
import type { FormationUpdate } from '#shared/contract/contract.ts';
import type { ReleaseLedger } from '../release/ledger.ts';
import type { AppRow, FormationRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';

/** Stack of new apps. */
export const DEFAULT_STACK = 'slipway-13';

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
  create(name: string | undefined, user: string): AppRow {
    const { store, ledger, clock } = this.options;
    const app = {
      id: randomUUID(),
      name: name ?? this.freeName(),
      stack: DEFAULT_STACK,
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
   * @returns the entries that were named, as they are now
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
    const changed = updates.map((update) => scaled(formation, update));
    this.options.store.atomically(() => {
      for (const entry of changed) this.options.store.setFormation(appId, entry);
    });
    return changed;
  }

  /** Gives process types that are new to the app their dynos: one for `web`, none for the others (reference: heroku-platform 1.1). */
  beginFormation(appId: string, types: readonly string[]): FormationRow[] {
    const { store } = this.options;
    const known = new Set(store.formation(appId).map((entry) => entry.type));
    const added = types
      .filter((type) => type !== RELEASE_TYPE && !known.has(type))
      .map((type) => ({ type, quantity: type === 'web' ? 1 : 0, size: DEFAULT_SIZE }));
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

/** `web@2:Standard-1X`, as the API log names a wanted formation. */
export function describeFormation(entries: readonly FormationRow[]): string {
  return entries.map((entry) => `${entry.type}@${entry.quantity}:${entry.size}`).join(' ');
}

function scaled(types: readonly FormationEntry[], update: FormationUpdate): FormationRow {
  const current = types.find((entry) => entry.type === update.type);
  const names = types.map((entry) => entry.type).filter((type) => type !== RELEASE_TYPE);
  if (current === undefined) {
    throw new SlipwayError(
      'no_process_type',
      `Type ${update.type} not found in process formation. Types: ${names.join(', ')}.`,
    );
  }
  if (update.type === RELEASE_TYPE && update.quantity !== undefined) {
    throw new SlipwayError(
      'no_process_type',
      `Type release cannot be scaled: its command runs once for each release. Only its size can be set. Types: ${names.join(', ')}.`,
    );
  }
  const size = update.size ?? current.size;
  const quantity = wantedQuantity(current.quantity, update.quantity);
  const most = findSize(size)?.maxDynos ?? 0;
  if (quantity > most) {
    throw new SlipwayError(
      'limit_reached',
      `Cannot update to more than ${most} ${size} size dynos per process type.`,
    );
  }
  return { type: update.type, quantity, size };
}

function wantedQuantity(current: number, wanted: FormationUpdate['quantity']): number {
  if (wanted === undefined) return current;
  if (typeof wanted === 'number') return wanted;
  return Math.max(0, /^[+-]/.test(wanted) ? current + Number(wanted) : Number(wanted));
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
