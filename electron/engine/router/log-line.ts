import { CAUSES, FAILURES, type FailureKey } from './failures.ts';
import { flat } from './latin1.ts';

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
    `${facts.method} path="${quoted(facts.path)}"${hostPart(facts.host)}${facts.requestId}${wayPart(facts.fwd, facts.dyno ?? '', ms(facts.connectMs))}` +
    `${ms(facts.serviceMs)}${statusPart(facts.status)}${bytesText(facts.bytes, key)}${endPart(facts.httpVersion, facts.tls)}` +
    (key !== null && 'agent' in FAILURES[key] ? ` agent="${quoted(facts.agent)}"` : '')
  );
}

// Parts that most lines share with the line before, so that a line is put together from few texts.
const hostPart = sameAsLast((host: string) => ` host=${host} request_id=`);
const wayPart = sameAsLast(
  (fwd: string, dyno: string, connect: string) =>
    ` fwd="${quoted(fwd)}" dyno=${dyno} connect=${connect} service=`,
);
const statusPart = sameAsLast((status: number | null) => ` status=${status ?? ''} bytes=`);
const endPart = sameAsLast(
  (httpVersion: string, tls: string | null) =>
    ` protocol=http${httpVersion} ${tls === null ? 'tls=false' : `tls=true tls_version=${tls}`}`,
);

/** Makes a text only when it would not be that of the last time. */
function sameAsLast<A, B = undefined, C = undefined>(
  make: (a: A, b: B, c: C) => string,
): (a: A, b?: B, c?: C) => string {
  let last: { readonly a: A; readonly b: B; readonly c: C; readonly text: string } | null = null;
  return (a, b, c) => {
    if (last === null || last.a !== a || last.b !== b || last.c !== c)
      last = { a, b: b as B, c: c as C, text: flat(make(a, b as B, c as C)) };
    return last.text;
  };
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
