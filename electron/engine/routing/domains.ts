import { randomUUID } from 'node:crypto';
import { SlipwayError } from '#shared/errors.ts';
import { type Domain, DOMAINS_MAX } from '#shared/model/domain.ts';
import type { AppRow, DomainRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';

/** What the domains need of the rest of the engine. */
export interface DomainsOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The domains of an app are not what they were. */
  onChange(appId: string): void;
}

/** Host names of apps beside NAME.localhost; each belongs to one app. */
export class Domains {
  private readonly options: DomainsOptions;

  constructor(options: DomainsOptions) {
    this.options = options;
  }

  list(appId: string): Domain[] {
    return this.options.store.domains(appId).map(view);
  }

  /**
   * Gives an app a domain.
   * @param hostname as `DomainName` has it
   * @throws SlipwayError `name_taken` naming the app that has it, `limit_reached`
   */
  add(app: AppRow, hostname: string): Domain {
    const { store, clock } = this.options;
    const taken = store.findDomain(hostname);
    if (taken !== null) {
      const owner = taken.appId === app.id ? app.name : store.findApp(taken.appId)?.name;
      throw new SlipwayError(
        'name_taken',
        `${hostname} is a domain of ${owner ?? 'another app'} already. Remove it there first.`,
      );
    }
    if (store.domains(app.id).length >= DOMAINS_MAX) {
      throw new SlipwayError(
        'limit_reached',
        `${app.name} has ${DOMAINS_MAX} domains, which is the most that an app may have. Remove one first.`,
      );
    }
    const createdAt = new Date(clock.now()).toISOString();
    const row = { id: randomUUID(), appId: app.id, hostname, createdAt };
    store.insertDomain(row);
    this.options.onChange(app.id);
    return view(row);
  }

  /** Takes a domain from an app, by name or id. @throws SlipwayError `not_found` */
  remove(app: AppRow, nameOrId: string): Domain {
    const { store } = this.options;
    const wanted = nameOrId.trim().toLowerCase();
    const row = store.domains(app.id).find(({ id, hostname }) => id === wanted || hostname === wanted);
    if (row === undefined) {
      throw new SlipwayError(
        'not_found',
        `${app.name} has no domain ${wanted}. \`domains\` lists the ones there are.`,
      );
    }
    store.deleteDomain(row.id);
    this.options.onChange(app.id);
    return view(row);
  }
}

function view({ id, hostname, createdAt }: DomainRow): Domain {
  return { id, hostname, createdAt };
}
