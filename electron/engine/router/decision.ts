import { AppName } from '#shared/model/names.ts';
import type { FailureKey } from './failures.ts';
import type { Backend, Route } from './routing-table.ts';

const SUFFIX = '.localhost';

/** Name of the app that a Host header asks for (`NAME.localhost[:port]`, any case, final dot allowed), or null. */
export function appNameOf(host: string): string | null {
  const name = hostName(host);
  if (!name.endsWith(SUFFIX)) return null;
  const label = name.slice(0, -SUFFIX.length);
  return AppName.safeParse(label).success ? label : null;
}

/** Host header in lower case, without port and final dot. */
export function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

/** What shall happen with a request now. */
export type Decision =
  | { readonly kind: 'fail'; readonly failure: FailureKey }
  /** Nobody can take it yet; ask again when the route has changed. */
  | { readonly kind: 'hold' }
  /** As `hold`, once the app has been told to wake. */
  | { readonly kind: 'wake' }
  /** Every dyno was tried or is in quarantine; ask again later. */
  | { readonly kind: 'later' }
  /** Every dyno was tried. */
  | { readonly kind: 'exhausted' }
  | { readonly kind: 'send'; readonly backend: Backend };

/** What a decision depends on beside the route. */
export interface Choice {
  /** Dynos that this request could not reach. */
  readonly tried: ReadonlySet<string>;
  isQuarantined(dynoId: string): boolean;
  random(): number;
}

/** Decides on a request by the app's route: order and codes of reference heroku-platform 4.1, random choice among the dynos that are left. */
export function decide(route: Route, choice: Choice): Decision {
  if (route.state === 'blank') return { kind: 'fail', failure: 'H81' };
  if (route.state === 'off') return { kind: 'fail', failure: 'H14' };
  if (route.state === 'crashed') return { kind: 'fail', failure: 'H10' };
  const { backends } = route;
  if (route.state === 'asleep') return { kind: 'wake' };
  if (route.state === 'starting' || backends.length === 0) return { kind: 'hold' };
  let left = backends;
  if (!backends.every((each) => isOpen(each, choice))) left = backends.filter((each) => isOpen(each, choice));
  const backend = left[Math.floor(choice.random() * left.length)];
  if (backend !== undefined) return { kind: 'send', backend };
  return backends.every((each) => choice.tried.has(each.dynoId)) ? { kind: 'exhausted' } : { kind: 'later' };
}

function isOpen(backend: Backend, choice: Choice): boolean {
  return !choice.tried.has(backend.dynoId) && !choice.isQuarantined(backend.dynoId);
}
