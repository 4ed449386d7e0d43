import type { Home } from '../home.ts';
import { Https } from '../https/https.ts';
import { CustomPages } from '../routing/custom-pages.ts';
import { Domains } from '../routing/domains.ts';
import { RuleBook } from '../routing/rule-book.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { FactHub } from '../util/facts.ts';
import type { DynoParts } from './dynos.ts';
import type { OpenRouter } from './router.ts';

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
