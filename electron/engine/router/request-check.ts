import type { IncomingMessage } from 'node:http';
import { HEADER_LINE_MAX, HEADER_NAME_MAX, HEADERS_MAX, METHOD_MAX, REQUEST_LINE_MAX } from './limits.ts';

/** A request whose head keeps the rules. */
export interface CheckedHead {
  readonly ok: true;
  /** Host header as sent. */
  readonly host: string;
  /** Path and query string, always origin form or `*`. */
  readonly path: string;
  readonly body: 'none' | 'length' | 'chunked';
}

/**
 * Checks what Node's strict parser leaves open (reference: heroku-platform 4.3): sizes, one Host, one framing, a plain target.
 * @returns `host` also when the check fails, where there is one, for the log
 */
export function checkHead(
  request: IncomingMessage,
): CheckedHead | { readonly ok: false; readonly host: string | null } {
  const { rawHeaders } = request;
  const method = request.method ?? '';
  const url = request.url ?? '';
  let hosts = 0;
  let lengths = 0;
  let codings = 0;
  let tooLarge = rawHeaders.length > HEADERS_MAX * 2 || method.length > METHOD_MAX;
  tooLarge ||= method.length + url.length + ' '.length * 2 + 'HTTP/1.1'.length > REQUEST_LINE_MAX;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    tooLarge ||=
      name.length > HEADER_NAME_MAX || name.length + 2 + (rawHeaders[i + 1] ?? '').length > HEADER_LINE_MAX;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
    else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths++;
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') codings++;
  }
  const host = request.headers.host ?? null;
  const path = originForm(url, host ?? '');
  const framed = lengths + codings <= 1;
  if (tooLarge || hosts !== 1 || host === null || host === '' || path === null || !framed)
    return { ok: false, host };
  const empty = lengths === 0 || request.headers['content-length'] === '0';
  return { ok: true, host, path, body: codings > 0 ? 'chunked' : empty ? 'none' : 'length' };
}

/** Target as a dyno gets it; null when it is none, or names another host than the Host header. */
function originForm(url: string, host: string): string | null {
  if (url.startsWith('/') || url === '*') return url;
  const absolute = /^http:\/\/([^/?#]+)(\/[^#]*|\?[^#]*)?$/i.exec(url);
  if (absolute?.[1]?.toLowerCase() !== host.toLowerCase()) return null;
  const rest = absolute[2] ?? '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
