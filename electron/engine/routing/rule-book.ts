import { DEFAULT_RULES, type Route, type RouteRules, type RoutingTable } from '../router/routing-table.ts';
import type { Store } from '../store/store.ts';

/** The pages that an app has in place of the router's own, as HTML. */
export interface PagesOfApp {
  readonly error: string | null;
  readonly maintenance: string | null;
}

/** What the rule book needs of the rest of the engine. */
export interface RuleBookOptions {
  readonly router: RoutingTable;
  readonly store: Pick<Store, 'findApp' | 'domains'>;
  pages(appId: string): PagesOfApp;
}

/**
 * Stands between dyno manager and router: adds to each route what a person has set for the app's requests, and hands the route on again
 * when that changes. So the dyno manager knows dynos only, and the router gets all of it as plain data.
 */
export class RuleBook implements RoutingTable {
  private readonly options: RuleBookOptions;
  private readonly routes = new Map<string, Route>();
  private readonly rules = new Map<string, RouteRules>();

  constructor(options: RuleBookOptions) {
    this.options = options;
  }

  setRoute(route: Route): void {
    this.routes.set(route.appId, route);
    this.options.router.setRoute({ ...route, rules: this.rulesOf(route.appId) });
  }

  removeRoute(appId: string): void {
    this.routes.delete(appId);
    this.rules.delete(appId);
    this.options.router.removeRoute(appId);
  }

  drained(dynoId: string, timeoutMs: number): Promise<void> {
    return this.options.router.drained(dynoId, timeoutMs);
  }

  /** What was set for an app is not what it was. */
  changed(appId: string): void {
    this.rules.delete(appId);
    const route = this.routes.get(appId);
    if (route !== undefined) this.setRoute(route);
  }

  /** Resolves once what was handed on so far is in force, also where the router is on a thread of its own. */
  inForce(): Promise<void> {
    // Asked behind all routes; of no dyno, so that nothing else is waited for.
    return this.options.router.drained('', 0);
  }

  private rulesOf(appId: string): RouteRules {
    const rules = this.rules.get(appId) ?? this.read(appId);
    this.rules.set(appId, rules);
    return rules;
  }

  private read(appId: string): RouteRules {
    const app = this.options.store.findApp(appId);
    if (app === null) return DEFAULT_RULES;
    const pages = this.options.pages(appId);
    return {
      maintenance: app.options.maintenance,
      domains: this.options.store.domains(appId).map(({ hostname }) => hostname),
      affinity: app.options.sessionAffinity,
      choice: app.options.dynoChoice,
      errorPage: pages.error,
      maintenancePage: pages.maintenance,
    };
  }
}
