import type { DynoEntry } from './dyno-entry.ts';
import type { FailureKey } from './failures.ts';
import type { Route } from './routing-table.ts';

const SUFFIX = '.localhost';

/** Name of the app that a Host header asks for (`NAME.localhost[:port]`, any case, final dot allowed), or null. */
export function hostName(host: string): string | null {
  const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : null;
}

/**
 * What shall happen with a request now, when it cannot be sent:
 * - `hold`: nobody can take it yet; ask again when the route has changed
 * - `wake`: as `hold`, once the app has been told to wake
 * - `later`: every dyno was tried or is in quarantine; ask again later
 * - `exhausted`: every dyno was tried
 */
export type Refusal = FailureKey | 'hold' | 'wake' | 'later' | 'exhausted';

/**
 * Decides on a request by the app's route: order and codes of reference heroku-platform 4.1, random choice among the dynos that are left.
 * @param tried dynos that this request could not reach, or null
 * @param random number in [0, 1)
 */
export function decide(
  route: Route,
  dynos: readonly DynoEntry[],
  tried: ReadonlySet<DynoEntry> | null,
  random: number,
): DynoEntry | Refusal {
  if (route.state !== 'up') {
    if (route.state === 'blank') return 'H81';
    if (route.state === 'off') return 'H14';
    if (route.state === 'crashed') return 'H10';
    return route.state === 'asleep' ? 'wake' : 'hold';
  }
  if (dynos.length === 0) return 'hold';
  const first = dynos[Math.floor(random * dynos.length)];
  if (first !== undefined && isOpen(first, tried)) return first;
  // What is behind the index is as random as the whole number was.
  const left = dynos.filter((each) => isOpen(each, tried));
  const chosen = left[Math.floor(((random * dynos.length) % 1) * left.length)];
  if (chosen !== undefined) return chosen;
  return tried !== null && dynos.every((each) => tried.has(each)) ? 'exhausted' : 'later';
}

function isOpen(dyno: DynoEntry, tried: ReadonlySet<DynoEntry> | null): boolean {
  return (tried === null || !tried.has(dyno)) && !dyno.isQuarantined;
}
