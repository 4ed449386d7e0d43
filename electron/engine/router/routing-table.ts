import type { DynoAddress } from '../runtime/runtime.ts';

/** A web dyno that takes requests. */
export interface Backend {
  readonly dynoId: string;
  /** `web.1` */
  readonly name: string;
  readonly address: DynoAddress;
}

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
