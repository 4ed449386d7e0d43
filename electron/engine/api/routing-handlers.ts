import type { Handlers } from '#shared/contract/contract.ts';
import type { Apps } from '../app/apps.ts';
import type { CustomPages } from '../routing/custom-pages.ts';
import type { Domains } from '../routing/domains.ts';
import type { RuleBook } from '../routing/rule-book.ts';

/** Serves what the router does for one app: its domains, and its own pages. */
export function routingHandlers(systems: {
  readonly apps: Apps;
  readonly domains: Domains;
  readonly pages: CustomPages;
  readonly rules: Pick<RuleBook, 'inForce'>;
  apiLog(appId: string, text: string): void;
}): Pick<Handlers, Extract<keyof Handlers, `domains.${string}` | `pages.${string}`>> {
  const { apps, domains, pages, rules } = systems;
  return {
    'domains.list': async ({ app }) => ({ domains: domains.list(apps.find(app).id) }),
    'domains.add': async ({ app: nameOrId, hostname }, { user }) => {
      const app = apps.find(nameOrId);
      const domain = domains.add(app, hostname);
      systems.apiLog(app.id, `Add ${hostname} domain by user ${user}`);
      await rules.inForce();
      return domain;
    },
    'domains.remove': async ({ app: nameOrId, domain }, { user }) => {
      const app = apps.find(nameOrId);
      const removed = domains.remove(app, domain);
      systems.apiLog(app.id, `Remove ${removed.hostname} domain by user ${user}`);
      await rules.inForce();
      return removed;
    },
    'pages.list': async ({ app }) => ({ pages: pages.list(apps.find(app).id) }),
    'pages.refresh': async ({ app }) => ({ pages: await pages.refresh(apps.find(app).id) }),
  };
}
