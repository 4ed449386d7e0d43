import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Name of the cookie that a browser gets for the token of the start URL. Ports share cookies, so the port is part of it. */
const cookieName = (port: number): string => `slipway_${port}`;

/** Why a request is not let in. */
export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly reason: string;
}

/**
 * Who may talk to the host: clients that bear the API key, and browsers that came by the start URL.
 * Other pages in the same browser, other machines and DNS tricks are kept out by Host and Origin checks.
 */
export class Access {
  private readonly apiKey: string;
  private readonly portOf: () => number;
  private readonly tokens = new Set<string>();

  /** @param portOf the port that the host listens on; asked at each request */
  constructor(apiKey: string, portOf: () => number) {
    this.apiKey = apiKey;
    this.portOf = portOf;
  }

  private get port(): number {
    return this.portOf();
  }

  /** A token for one start URL; it is good for one visit. */
  newToken(): string {
    const token = randomBytes(24).toString('base64url');
    this.tokens.add(token);
    return token;
  }

  /** Uses up a token; the answer is the cookie header that lets the browser in from now on, or null. */
  exchange(token: string): string | null {
    if (!this.tokens.delete(token)) return null;
    return `${cookieName(this.port)}=${this.session()}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** Checks the name that the client used for this machine (DNS rebinding) and, where there is one, the page it comes from. */
  checkSite(headers: IncomingHttpHeaders): Refusal | null {
    const hosts = ['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${this.port}`);
    if (headers.host === undefined || !hosts.includes(headers.host.toLowerCase())) {
      return {
        status: 421,
        reason: `This is Slipway on localhost:${this.port}; it does not answer to other names.`,
      };
    }
    const { origin } = headers;
    if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`)) {
      return { status: 403, reason: 'Only Slipway’s own pages may talk to it.' };
    }
    return null;
  }

  /** Checks the API key or the cookie. */
  checkIdentity(headers: IncomingHttpHeaders): Refusal | null {
    const bearer = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
    if (bearer !== undefined && equal(bearer, this.apiKey)) return null;
    const cookie = (headers.cookie ?? '')
      .split(/;\s*/)
      .find((part) => part.startsWith(`${cookieName(this.port)}=`))
      ?.slice(cookieName(this.port).length + 1);
    if (bearer === undefined && cookie !== undefined && equal(cookie, this.session())) return null;
    return { status: 401, reason: 'The API key or the session is missing or wrong.' };
  }

  /** The same for all browsers of this data folder, so that a restart of the engine does not log them out. */
  private session(): string {
    return createHmac('sha256', this.apiKey).update('slipway session').digest('base64url');
  }
}

function equal(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
