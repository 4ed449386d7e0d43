import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { protocol, type Session } from 'electron';
import { UI_HEADERS } from '#shared/content-policy.ts';
import { isOwnUrl, UI_SCHEME } from './origin.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** Makes the UI's scheme one like https to the page: an origin of its own, a secure context. To be called before the app is ready. */
export function registerUiScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: UI_SCHEME,
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ]);
}

/** Answers the UI's scheme from the folder of the built UI, and refuses every other address to the pages of the session. */
export function serveUi(session: Session, folder: string): void {
  session.protocol.handle(UI_SCHEME, (request) => answer(request, folder));
  session.webRequest.onBeforeRequest(({ url }, callback) => {
    callback({ cancel: !isOwnUrl(url) && !/^(devtools|data|blob):/.test(url) });
  });
}

/** The answer to one request: a file of the folder, or the UI's page for a path that names a place in the UI. */
export async function answer(
  request: { readonly url: string; readonly method: string },
  folder: string,
): Promise<Response> {
  if (!isOwnUrl(request.url)) return reply(403);
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405);
  const path = fileOf(request.url, folder);
  if (path === null) return reply(400);
  const type = TYPES[extname(path)];
  if (type === undefined) return reply(404);
  try {
    const body = await readFile(path);
    return new Response(new Uint8Array(body), { headers: { ...UI_HEADERS, 'content-type': type } });
  } catch {
    return reply(404);
  }
}

/** The file that a URL names, or null for one outside of the folder or with a disguised separator. */
function fileOf(url: string, folder: string): string | null {
  let path: string;
  try {
    path = decodeURIComponent(new URL(url).pathname);
  } catch {
    return null;
  }
  if (/[\\\0:%]/.test(path) || path.split('/').includes('..')) return null;
  const file = normalize(join(folder, extname(path) === '' ? 'index.html' : path));
  return file.startsWith(folder + sep) ? file : null;
}

function reply(status: number): Response {
  return new Response(null, { status, headers: UI_HEADERS });
}
