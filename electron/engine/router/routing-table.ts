import type { DynoChoice } from '#shared/model/options.ts';
import type { DynoAddress } from '../runtime/runtime.ts';

/** A web dyno that takes requests. */
export interface Backend {
  readonly dynoId: string;
  /** `web.1` */
  readonly name: string;
  readonly address: DynoAddress;
}

/** What a person has set for the requests of an app. Plain data: a router on a thread of its own gets it as a message. */
export interface RouteRules {
  /** Every request is answered with the page for maintenance (H80). */
  readonly maintenance: boolean;
  /** Host names beside NAME.localhost, in lower case; `*.` at the beginning stands for any name below. */
  readonly domains: readonly string[];
  /** Clients keep their dyno by a cookie. */
  readonly affinity: boolean;
  readonly choice: DynoChoice;
  /** HTML in place of the router's page of an application error, or null. */
  readonly errorPage: string | null;
  /** HTML in place of the router's page for maintenance, or null. */
  readonly maintenancePage: string | null;
}

/** What holds for an app for which nothing was set. */
export const DEFAULT_RULES: RouteRules = {
  maintenance: false,
  domains: [],
  affinity: false,
  choice: 'random',
  errorPage: null,
  maintenancePage: null,
};

/**
 * What the router knows of one app. The dyno manager publishes a new value at each change; the router never asks back.
 * - `blank`: no code was ever released → H81
 * - `off`: no web dyno is wanted → H14
 * - `crashed`: all web dynos crashed → H10
 * - `asleep`: sleeps until a request → wake it, hold the request, H20 after 75 s
 * - `starting`: none is up yet, some are on their way → hold the request, H20 after 75 s
 * - `up`: at least one backend
 */
export interface Route {
  readonly appId: string;
  readonly appName: string;
  readonly state: 'blank' | 'off' | 'crashed' | 'asleep' | 'starting' | 'up';
  readonly backends: readonly Backend[];
  /** `DEFAULT_RULES` unless given. */
  readonly rules?: RouteRules;
}

/** How the dyno manager speaks to the router. */
export interface RoutingTable {
  /** Publishes a route. Once it is in force, no new request goes to a backend that is not in it; `drained` tells when that is. */
  setRoute(route: Route): void;
  removeRoute(appId: string): void;
  /**
   * Resolves once all that was published before is in force and no request to the dyno is in flight, which is waited for
   * at most `timeoutMs`. Requests of upgraded connections count.
   */
  drained(dynoId: string, timeoutMs: number): Promise<void>;
}
