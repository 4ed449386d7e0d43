import { randomUUID } from 'node:crypto';
import type { FailureKey } from './failures.ts';
import { RESPONSE_COOKIE_MAX, RESPONSE_HEADER_MAX, RESPONSE_LINE_MAX } from './limits.ts';

const VIA = '1.1 heroku-router';
const REQUEST_ID = /^[A-Za-z0-9+/=-]{20,200}$/;

/** Never passed on, in either direction (reference: heroku-platform 4.4; `Proxy-Connection` is the same thing misspelt). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection']);
/** Written by the router itself. */
const REPLACED = new Set([
  ...HOP_BY_HOP,
  'expect',
  'via',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-request-id',
  'x-request-start',
  'connect-time',
  'total-route-time',
]);

/** The client's request id when it is a good one, else a new one (reference: heroku-platform 4.4). */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** What the router tells a dyno about a request. */
export interface RequestNote {
  /** Client address behind those that it named itself. */
  readonly fwd: string;
  /** Port on which the client came in. */
  readonly port: number;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly connectMs: number;
  readonly totalRouteMs: number;
  readonly method: string;
  readonly body: 'none' | 'length' | 'chunked';
  /** The client wants to leave HTTP. */
  readonly upgrade: boolean;
}

/** Head of the request to a dyno: what came, in its order and spelling, without what is the router's, and the router's own. */
export function dynoHeaders(raw: readonly string[], note: RequestNote): string[] {
  const headers: string[] = [];
  let via = '';
  let hasLength = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'via') via = via === '' ? value : `${via}, ${value}`;
    if (REPLACED.has(lower) || (lower === 'trailer' && note.body !== 'chunked')) continue;
    hasLength ||= lower === 'content-length';
    headers.push(name, value);
  }
  if (note.body === 'none' && !hasLength && /^(POST|PUT|PATCH)$/.test(note.method))
    headers.push('Content-Length', '0');
  headers.push(
    ...['Connection', note.upgrade ? 'Upgrade' : 'keep-alive'],
    ...['X-Request-Id', note.requestId, 'X-Forwarded-For', note.fwd, 'X-Forwarded-Proto', 'http'],
    ...['X-Forwarded-Port', String(note.port), 'Via', via === '' ? VIA : `${via}, ${VIA}`],
    ...['Connect-Time', String(note.connectMs), 'X-Request-Start', String(note.startedAt)],
    ...['Total-Route-Time', String(note.totalRouteMs)],
  );
  return headers;
}

/**
 * Head of the response to the client.
 * @param framing `chunked` keeps Transfer-Encoding; `plain` takes it out, for clients and statuses that do not know it
 */
export function clientHeaders(raw: readonly string[], framing: 'chunked' | 'plain'): string[] {
  const headers: string[] = [];
  let via = -1;
  let hasServer = false;
  let hasCoding = false;
  for (let i = 0; i < raw.length; i += 2) hasCoding ||= (raw[i] ?? '').toLowerCase() === 'transfer-encoding';
  const chunked = framing === 'chunked' && hasCoding;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower)) continue;
    if (!chunked && (lower === 'transfer-encoding' || lower === 'trailer')) continue;
    if (lower === 'via') via = headers.length + 1;
    hasServer ||= lower === 'server';
    headers.push(name, raw[i + 1] ?? '');
  }
  if (!hasServer) headers.push('Server', 'Heroku');
  if (via === -1) headers.push('Via', VIA);
  else headers[via] = `${headers[via] ?? ''}, ${VIA}`;
  return headers;
}

/** Checks the head of a dyno's response (reference: heroku-platform 4.3); null when it is fine. */
export function checkResponse(statusMessage: string, raw: readonly string[]): FailureKey | null {
  if (statusMessage === '') return 'H17';
  if (statusMessage.length + 'HTTP/1.1 200 '.length > RESPONSE_LINE_MAX) return 'H25_line';
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    if (name.length + 2 + value.length > RESPONSE_HEADER_MAX) return 'H25_header';
    if (value.length > RESPONSE_COOKIE_MAX && name.toLowerCase() === 'set-cookie') return 'H25_cookie';
  }
  return null;
}

/** What an error of Node's parser says about a dyno's response; null when it is no error of the parser. */
export function responseFailure(errorCode: string): FailureKey | null {
  if (errorCode === 'HPE_HEADER_OVERFLOW') return 'H25_header';
  if (errorCode === 'HPE_INVALID_CONTENT_LENGTH' || errorCode === 'HPE_UNEXPECTED_CONTENT_LENGTH')
    return 'H25_length';
  if (errorCode === 'HPE_INVALID_EOF_STATE') return 'H13';
  return errorCode.startsWith('HPE_') ? 'H17' : null;
}
