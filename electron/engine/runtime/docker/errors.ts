import { RuntimeError } from '../runtime.ts';

/** HTTP status that the daemon gave, or null when the error is of another sort. */
export function statusOf(error: unknown): number | null {
  if (
    typeof error === 'object' &&
    error !== null &&
    'statusCode' in error &&
    typeof error.statusCode === 'number'
  ) {
    return error.statusCode;
  }
  return null;
}

/** The daemon's own words, without the wrapping of the client library. */
export function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'json' in error) {
    const { json } = error;
    if (typeof json === 'object' && json !== null && 'message' in json && typeof json.message === 'string') {
      return json.message.trim();
    }
  }
  const text = error instanceof Error ? error.message.trim() : String(error);
  return text.replace(/^\(HTTP code \d+\) [\w ]+ - /, '');
}

/** True when no daemon is behind the connection (any more). */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const codes = [
    'ECONNREFUSED',
    'ENOENT',
    'ECONNRESET',
    'EPIPE',
    'EACCES',
    'ENOTFOUND',
    'ETIMEDOUT',
    'EHOSTUNREACH',
  ];
  return typeof error.code === 'string' && codes.includes(error.code);
}

/**
 * What a container could not be made or started for lack of, when it can be made or chosen anew; else null. Daemons differ in their words for
 * an address that is taken, or that nobody may choose.
 */
export function whatIsMissing(error: unknown): 'network' | 'address' | 'image' | null {
  const status = statusOf(error);
  if (status !== null && /\b(ip|address)\b/i.test(reasonOf(error))) return 'address';
  if (/network/i.test(reasonOf(error)) && (status === 404 || status === 403 || status === 500))
    return 'network';
  return status === 404 ? 'image' : null;
}

/** True when a signal ended the call. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'))
  );
}

/**
 * Turns what a Docker call threw into the runtime's own error.
 * @param doing what was tried, as the start of a sentence: `The dyno web.1 could not be started`
 */
export function asRuntimeError(error: unknown, doing: string): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const reason = reasonOf(error);
  if (isAbort(error)) return new RuntimeError('cancelled', `${doing}: it was cancelled.`, error);
  if (/no space left on device|disk quota exceeded/i.test(reason)) {
    const advice = 'Free some disk space ("docker system df" shows what Docker holds) and try again.';
    return new RuntimeError('disk_full', `${doing}: the disk that Docker uses is full. ${advice}`, error);
  }
  if (isConnectionError(error)) {
    const advice = 'Start Docker and try again.';
    return new RuntimeError('unavailable', `${doing}: Docker does not answer (${reason}). ${advice}`, error);
  }
  if (/address pool/i.test(reason)) {
    const advice = 'Remove networks that nothing uses ("docker network prune") and try again.';
    const text = `${doing}: Docker has no addresses left for one more network. ${advice}`;
    return new RuntimeError('failed', text, error);
  }
  const code = statusOf(error) === 404 ? 'not_found' : 'failed';
  return new RuntimeError(code, `${doing}: ${reason}`, error);
}

/**
 * Waits for a call and lets it fail with the runtime's own error.
 * @throws RuntimeError see `asRuntimeError`
 */
export async function explain<Result>(doing: string, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    throw asRuntimeError(error, doing);
  }
}

/** Answers null where the daemon says 404. */
export async function orMissing<Result>(call: Promise<Result>): Promise<Result | null> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** Ends with RuntimeError `cancelled` when the signal has been given. */
export function throwIfAborted(signal: AbortSignal, doing: string): void {
  if (signal.aborted) throw new RuntimeError('cancelled', `${doing}: it was cancelled.`);
}

/** Waits for something, but not once the signal is given: then it ends with RuntimeError `cancelled`. */
export async function untilAborted(
  wait: Promise<unknown>,
  signal: AbortSignal,
  doing: string,
): Promise<void> {
  let aborted = (): void => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    aborted = () => {
      reject(new RuntimeError('cancelled', `${doing}: it was cancelled.`));
    };
  });
  signal.addEventListener('abort', aborted);
  try {
    await Promise.race([wait, givenUp]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
