import { CAUSES, FAILURES, type FailureKey } from './failures.ts';

/** What is known of a request when it has ended; null is printed as nothing. */
export interface RequestFacts {
  readonly method: string;
  /** With the query string. */
  readonly path: string;
  readonly host: string;
  readonly requestId: string;
  /** Client address, after the addresses that the client named itself. */
  readonly fwd: string;
  readonly dyno: string | null;
  readonly connectMs: number | null;
  readonly serviceMs: number | null;
  readonly status: number | null;
  /** Bytes of body that the client got. */
  readonly bytes: number;
  /** `1.1`, `1.0`, or `2.0` for a client that speaks HTTP/2. */
  readonly httpVersion: string;
  /** Version of TLS (`tls1.3`), or null without. */
  readonly tls: string | null;
  /** What the client calls itself; empty when it does not say. */
  readonly agent: string;
}

/**
 * The router's line about a request, without time and source (reference: heroku-platform 4.5, Router 2.0 form; `fwd`
 * is quoted as in the lines before Router 2.0, since it can hold a list).
 * @param key what went wrong, or null when the dyno answered
 */
export function routerLine(facts: RequestFacts, key: FailureKey | null): string {
  return (
    (key === null ? 'at=info method=' : failureText(key)) +
    `${facts.method} path="${quoted(facts.path)}" host=${facts.host} request_id=${facts.requestId} fwd="${quoted(facts.fwd)}" ` +
    `dyno=${facts.dyno ?? ''} connect=${ms(facts.connectMs)} service=${ms(facts.serviceMs)} ` +
    `status=${facts.status ?? ''} bytes=${bytesText(facts.bytes, key)} protocol=http${facts.httpVersion} ${facts.tls === null ? 'tls=false' : `tls=true tls_version=${facts.tls}`}` +
    (key !== null && 'agent' in FAILURES[key] ? ` agent="${quoted(facts.agent)}"` : '')
  );
}

function failureText(key: FailureKey): string {
  const failure = FAILURES[key];
  const cause = CAUSES[key];
  return (
    `${'sock' in failure ? `sock=${failure.sock} ` : ''}at=${failure.at} code=${failure.code} desc="${failure.desc}"` +
    `${cause === undefined ? '' : ` cause="${cause}"`} method=`
  );
}

function bytesText(bytes: number, key: FailureKey | null): string {
  const kind = key === null ? 'sent' : FAILURES[key].bytes;
  return kind === 'sent' ? String(bytes) : kind === 'zero' ? '0' : '';
}

function ms(value: number | null): string {
  return value === null ? '' : `${Math.max(0, Math.round(value))}ms`;
}

function quoted(text: string): string {
  return text.includes('"') ? text.replaceAll('"', '\\"') : text;
}
