import { SlipwayError } from '#shared/errors.ts';
import type { Logplex } from '../logplex/logplex.ts';
import { ListenError } from '../router/listener.ts';
import type { Router } from '../router/router.ts';
import { createThreadedRouter } from '../router/threaded-router.ts';
import type { KeyPair } from '../router/tls-gate.ts';
import type { Settings } from '../settings.ts';
import { RequestBuckets } from '../stats/request-buckets.ts';
import type { Diagnostics } from '../util/diagnostics.ts';

/** Where the router listens. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** A router and what it counts. */
export interface OpenRouter {
  readonly router: Router;
  /** The port that it listens on; 0 before `listen`. */
  readonly port: number;
  /** Requests that it answered. */
  readonly requests: RequestBuckets;
  /**
   * Takes requests from now on; the router has to know the apps.
   * @throws SlipwayError `unavailable` naming SLIPWAY_ROUTER_PORT when the port cannot be had
   */
  listen(): Promise<void>;
  /**
   * Serves HTTPS as well.
   * @throws SlipwayError `unavailable` naming SLIPWAY_ROUTER_TLS_PORT when the port cannot be had
   */
  listenTls(authority: KeyPair): Promise<{ readonly port: number }>;
}

/**
 * Makes the router.
 * @param wake hears of requests for an app that sleeps
 */
export function makeRouter(
  settings: Settings,
  logplex: Logplex,
  diagnostics: Diagnostics,
  wake: (appId: string) => void,
): OpenRouter {
  const requests = new RequestBuckets();
  const router = createThreadedRouter({
    wake,
    threads: settings.routerThreads,
    onProblem: diagnostics.problem.bind(diagnostics),
    log: (appId, lines) => {
      for (const { at, status } of lines) requests.count(appId, status, at / 1000);
      logplex.append(
        appId,
        lines.map(({ at, text }) => ({ at, source: 'heroku', ps: 'router', stream: 'stdout', text })),
      );
    },
  });
  let port = 0;
  return {
    router,
    requests,
    get port() {
      return port;
    },
    async listen() {
      const listening = router.listen(settings.routerPort, LOOPBACK);
      ({ port } = await named('SLIPWAY_ROUTER_PORT', listening));
    },
    listenTls(authority) {
      const listening = router.listenTls(settings.routerTlsPort, LOOPBACK, authority);
      return named('SLIPWAY_ROUTER_TLS_PORT', listening);
    },
  };
}

/** Waits for a port; one that cannot be had is told with the name of its setting. */
async function named<Result>(setting: string, listening: Promise<Result>): Promise<Result> {
  try {
    return await listening;
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    throw portProblem(setting, error.port, error.code);
  }
}

/** A port that cannot be had, as the one line that a user gets. */
export function portProblem(setting: string, port: number, code: string): SlipwayError {
  const reason = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be opened (${code})`;
  return new SlipwayError(
    'unavailable',
    `Port ${port} (${setting}) ${reason}. Stop that program, or set ${setting} to another port; 0 takes any free one.`,
  );
}
