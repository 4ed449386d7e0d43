import { bareHost } from './decision.ts';
import type { FailureKey } from './failures.ts';

/** How a client's requests came to the router, where that is not plain HTTP/1 on the router's port. */
export interface Origin {
  /** The port on which the client came in. */
  readonly port: number;
  /** As the log says it: `tls1.3`. */
  readonly tls: string;
  /** The host that the client named when it began with TLS, in lower case; null when it named none. */
  readonly serverName: string | null;
  /** The client's version of HTTP where it is not that of the request as the router reads it. */
  readonly httpVersion: '2.0' | null;
}

/**
 * What is wrong with a request for a host that the connection's certificate does not stand for; null when nothing is. A client of
 * HTTP/2 that uses a connection for another host is told to open one for it (RFC 9110, 15.5.20).
 */
export function misdirection(origin: Origin, host: string): FailureKey | null {
  if (origin.serverName === null || bareHost(host) === origin.serverName) return null;
  return origin.httpVersion === '2.0' ? 'H31' : 'H32';
}

/** True when the code of what ended a client's connection says that a stream of HTTP/2 broke, not that the client went. */
export function isStreamBroken(errorCode: string): boolean {
  return errorCode.startsWith('ERR_HTTP2_');
}
