/** One way a request can end without a plain answer of the dyno (reference: heroku-platform 4.5). */
export interface Failure {
  readonly code: string;
  readonly desc: string;
  /** Severity in the log line. */
  readonly at: 'error' | 'warning' | 'info';
  /** Status in the log line, and of the page when one is still possible; null is printed empty. */
  readonly status: number | null;
  /** `bytes=` of the log line: nothing, 0, or what the client got. */
  readonly bytes: 'empty' | 'zero' | 'sent';
  /** Which side broke off; printed first. */
  readonly sock?: 'client' | 'backend';
  /** The line names the client's program at its end. */
  readonly agent?: true;
  /** False when nobody is there to read a page. */
  readonly page: boolean;
}

const failure = (
  code: string,
  desc: string,
  status: number | null,
  bytes: Failure['bytes'],
  more: Partial<Failure> = {},
): Failure => ({ code, desc, at: 'error', status, bytes, page: true, ...more });

/** All that the router can report. */
export const FAILURES = {
  H10: failure('H10', 'App crashed', 503, 'empty'),
  H11: failure('H11', 'Backlog too deep', 503, 'empty'),
  H12: failure('H12', 'Request timeout', 503, 'zero'),
  H13: failure('H13', 'Connection closed without response', 503, 'zero'),
  H14: failure('H14', 'No web processes running', 503, 'empty'),
  H15: failure('H15', 'Idle connection', 503, 'sent'),
  H17: failure('H17', 'Poorly formatted HTTP response', 503, 'sent'),
  H18: failure('H18', 'Server Request Interrupted', 503, 'sent', { sock: 'backend' }),
  H19: failure('H19', 'Backend connection timeout', 503, 'empty'),
  H20: failure('H20', 'App boot timeout', 503, 'empty'),
  H21: failure('H21', 'Backend connection refused', 503, 'empty'),
  H22: failure('H22', 'Connection limit reached', 503, 'empty'),
  H24: failure('H24', 'Forced close', null, 'sent', { page: false }),
  H25_length: failure('H25', 'HTTP restriction: invalid content length', 502, 'sent'),
  H25_cookie: failure('H25', 'HTTP restriction: oversized cookie', 502, 'sent'),
  H25_header: failure('H25', 'HTTP restriction: oversized header', 502, 'sent'),
  H25_line: failure('H25', 'HTTP restriction: oversized status line', 502, 'sent'),
  H26_expect: failure('H26', 'Request Error', 417, 'empty'),
  H26_header: failure('H26', 'Request Error', 400, 'empty'),
  H26_chunk: failure('H26', 'Request Error', 400, 'sent'),
  H27: failure('H27', 'Client Request Interrupted', 499, 'sent', {
    at: 'warning',
    sock: 'client',
    page: false,
  }),
  H28: failure('H28', 'Client Connection Idle', 499, 'sent', { at: 'warning', page: false }),
  H31: failure('H31', 'Misdirected Request', 421, 'empty', { agent: true }),
  H32: failure('H32', 'TLS Certificate Mismatch', 495, 'empty'),
  // The platform does not tell the status; nobody gets it, as with H27 and H28.
  H33: failure('H33', 'HTTP/2 Stream Broken', 499, 'sent', { page: false }),
  H34: failure('H34', 'All up dynos are quarantined', 503, 'empty'),
  H80: failure('H80', 'Maintenance mode', 503, 'empty', { at: 'info' }),
  H81: failure('H81', 'Blank app', 502, 'empty', { at: 'info' }),
  H99: failure('H99', 'Platform error', 503, 'empty'),
} as const satisfies Record<string, Failure>;

export type FailureKey = keyof typeof FAILURES;

/** `cause=` of the H26 lines. */
export const CAUSES: Partial<Record<FailureKey, string>> = {
  H26_expect: 'unsupported expect header value',
  H26_header: 'bad header',
  H26_chunk: 'bad chunk',
};
