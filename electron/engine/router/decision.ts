import type { DynoEntry } from './dyno-entry.ts';
import type { FailureKey } from './failures.ts';
import type { Route } from './routing-table.ts';

const SUFFIX = '.localhost';

/** A Host header in lower case, without port and final dot. */
export function bareHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}

/** Name of the app that a Host header asks for (`NAME.localhost[:port]`, any case, final dot allowed), or null. */
export function hostName(host: string): string | null {
  const name = bareHost(host);
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
 * Decides on a request by the app's route: order and codes of reference heroku-platform 4.1, choice among the dynos that are left as the
 * rules of the app have it.
 * @param tried dynos that this request could not reach, or null
 * @param random number in [0, 1)
 * @param preferred dyno that the client had before, or null
 */
export function decide(
  route: Route,
  dynos: readonly DynoEntry[],
  tried: ReadonlySet<DynoEntry> | null,
  random: number,
  preferred: DynoEntry | null = null,
): DynoEntry | Refusal {
  if (route.rules?.maintenance === true) return 'H80';
  if (route.state !== 'up') {
    if (route.state === 'blank') return 'H81';
    if (route.state === 'off') return 'H14';
    if (route.state === 'crashed') return 'H10';
    return route.state === 'asleep' ? 'wake' : 'hold';
  }
  if (dynos.length === 0) return 'hold';
  if (preferred !== null && isOpen(preferred, tried)) return preferred;
  if (route.rules?.choice === 'least-busy-of-two') return lessBusy(dynos, tried, random);
  const first = dynos[Math.floor(random * dynos.length)];
  if (first !== undefined && isOpen(first, tried)) return first;
  // What is behind the index is as random as the whole number was.
  const left = dynos.filter((each) => isOpen(each, tried));
  return left[Math.floor(((random * dynos.length) % 1) * left.length)] ?? nobody(dynos, tried);
}

/** Draws two of the dynos that are left and takes the one with fewer requests; the first when they have the same. */
function lessBusy(
  dynos: readonly DynoEntry[],
  tried: ReadonlySet<DynoEntry> | null,
  random: number,
): DynoEntry | Refusal {
  const left = dynos.every((each) => isOpen(each, tried))
    ? dynos
    : dynos.filter((each) => isOpen(each, tried));
  const at = Math.floor(random * left.length);
  const one = left[at];
  if (one === undefined) return nobody(dynos, tried);
  // Counted from behind the first, so that it is never drawn twice.
  const step = 1 + Math.floor(((random * left.length) % 1) * (left.length - 1));
  const other = left[(at + step) % left.length] ?? one;
  return other.inFlight < one.inFlight ? other : one;
}

function nobody(dynos: readonly DynoEntry[], tried: ReadonlySet<DynoEntry> | null): Refusal {
  return tried !== null && dynos.every((each) => tried.has(each)) ? 'exhausted' : 'later';
}

function isOpen(dyno: DynoEntry, tried: ReadonlySet<DynoEntry> | null): boolean {
  return (tried === null || !tried.has(dyno)) && !dyno.isQuarantined;
}
