import { createHash } from 'node:crypto';
import type { DynoEntry } from './dyno-entry.ts';

/** The platform's cookie (reference: heroku-platform 4.1). How long it lives and what it says is ours: the platform does not tell. */
const COOKIE = 'heroku-session-affinity';
const DAY_SECONDS = 86_400;

/**
 * The dynos of one app by what the cookie of their clients says. A restarted dyno is another one, so that a client whose dyno is gone
 * gets a new one, and its cookie with it.
 */
export class AffinityPins {
  readonly #byPin = new Map<string, DynoEntry>();

  constructor(dynos: readonly DynoEntry[]) {
    for (const dyno of dynos) this.#byPin.set(pinOf(dyno), dyno);
  }

  /**
   * The dyno that the client had before, or null.
   * @param lines header lines of a request, each with its CRLF
   */
  find(lines: string): DynoEntry | null {
    return this.#byPin.get(pinIn(lines)) ?? null;
  }
}

/**
 * The line that has the client come back to the dyno; nothing when its cookie says so already.
 * @param lines header lines of its request, each with its CRLF
 */
export function affinityLine(dyno: DynoEntry, lines: string): string {
  const pin = pinOf(dyno);
  if (pin === pinIn(lines)) return '';
  return `Set-Cookie: ${COOKIE}=${pin}; Path=/; Max-Age=${DAY_SECONDS}; HttpOnly; SameSite=Lax\r\n`;
}

const PINS = new WeakMap<DynoEntry, string>();

/** What the cookie says of a dyno: nothing that anybody could read from it. */
function pinOf(dyno: DynoEntry): string {
  const known = PINS.get(dyno);
  if (known !== undefined) return known;
  const pin = createHash('sha256').update(dyno.backend.dynoId).digest('base64url').slice(0, 22);
  PINS.set(dyno, pin);
  return pin;
}

function pinIn(lines: string): string {
  for (const [, cookies = ''] of lines.matchAll(/^cookie:([^\r]*)/gim)) {
    const found = /(?:^|;)[\t ]*heroku-session-affinity=([\w-]*)/.exec(cookies);
    if (found !== null) return found[1] ?? '';
  }
  return '';
}
