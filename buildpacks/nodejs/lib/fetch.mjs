import { setTimeout as sleep } from 'node:timers/promises';

/** How often a question is asked, and how long one answer may take with all its bytes, in milliseconds. */
const TRIES = 3;
const TIMEOUT = 180_000;
const PAUSE = 500;

/**
 * Fetches something whole. What may pass (no connection, no answer in time, a server in trouble) is tried again.
 * @param {string} url
 * @param {{ headers?: Record<string, string>, timeout?: number, pause?: number }} [options]
 * @returns {Promise<Buffer>}
 * @throws {Error} whose message says why, as the end of a sentence
 */
export async function fetchBytes(url, { headers = {}, timeout = TIMEOUT, pause = PAUSE } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    let reason = '';
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeout) });
      if (response.ok) return Buffer.from(await response.arrayBuffer());
      reason = `the registry answered ${response.status}`;
      const passes = response.status >= 500 || response.status === 408 || response.status === 429;
      if (!passes) throw new Refused(reason);
    } catch (error) {
      if (error instanceof Refused) throw error;
      reason = reasonOf(error, timeout);
    }
    if (attempt === TRIES) throw new Error(`${reason} (tried ${TRIES} times)`);
    await sleep(pause * attempt);
  }
}

/** An answer that asking again does not change. */
class Refused extends Error {}

/** @param {unknown} error @param {number} timeout */
function reasonOf(error, timeout) {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no complete answer within ${timeout / 1000} s`;
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message;
}
