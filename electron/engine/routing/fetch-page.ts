import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Longest time for a page to come, in milliseconds, and most bytes of one. */
const TIMEOUT = 10_000;
export const PAGE_MAX_BYTES = 512 * 1024;

/**
 * Fetches an app's own page: from the web, from a file of this machine (`file://`), or out of the address itself (`data:`), which needs
 * no network.
 * @returns its HTML
 * @throws Error whose message says for people why there is none
 */
export async function fetchPage(url: string, signal: AbortSignal): Promise<string> {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const bytes =
    parsed?.protocol === 'file:'
      ? await readPage(parsed)
      : parsed !== null && /^(https?|data):$/.test(parsed.protocol)
        ? await download(parsed, signal)
        : null;
  if (bytes === null)
    throw new Error('it has to begin with https://, http://, file:// (a file of this machine) or data:');
  const html = new TextDecoder().decode(bytes);
  if (html.trim() === '') throw new Error('the page is empty');
  return html;
}

async function readPage(url: URL): Promise<Uint8Array> {
  const file = await open(fileURLToPath(url)).catch((error: unknown) => {
    throw new Error(`the file cannot be read (${codeOf(error)})`, { cause: error });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('this is no file');
    if (stat.size > PAGE_MAX_BYTES) throw tooLarge();
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function download(url: URL, signal: AbortSignal): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(TIMEOUT);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, timeout]),
      headers: { accept: 'text/html' },
    });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const type = response.headers.get('content-type') ?? 'text/html';
    if (!/html/i.test(type)) throw new Error(`it is ${type}, not HTML`);
    const parts: Uint8Array[] = [];
    let size = 0;
    const body: AsyncIterable<Uint8Array> | null = response.body;
    for await (const part of body ?? []) {
      size += part.length;
      if (size > PAGE_MAX_BYTES) throw tooLarge();
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (error) {
    if (timeout.aborted) throw new Error(`it did not come within ${TIMEOUT / 1000} s`, { cause: error });
    // What the network says is behind the words of `fetch`.
    if (error instanceof TypeError) throw new Error(`no answer (${codeOf(error.cause)})`, { cause: error });
    throw error;
  }
}

function tooLarge(): Error {
  return new Error(`the page is larger than ${PAGE_MAX_BYTES / 1024} kB`);
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : 'unknown reason';
}
