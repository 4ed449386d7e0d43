import { shell } from 'electron';
import { parseUrl } from './origin.ts';

/** Sites besides the apps that the UI links to. */
const SITES: ReadonlySet<string> = new Set(['devcenter.heroku.com', 'docs.docker.com', 'nodejs.org']);

/**
 * Whether a URL may be handed to the browser: an app on our router, or a page of a site on the list.
 * One that carries a name or password never may.
 */
export function mayOpenOutside(text: string, routerPort: number | null): boolean {
  const url = parseUrl(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return url.port === '' && SITES.has(url.hostname);
  return (
    url.protocol === 'http:' &&
    /^[a-z][a-z0-9-]*\.localhost$/.test(url.hostname) &&
    routerPort !== null &&
    Number(url.port === '' ? 80 : url.port) === routerPort
  );
}

/** Opens a URL in the person's browser when it may be; the answer says whether. */
export function openOutside(text: string, routerPort: number | null): boolean {
  const may = mayOpenOutside(text, routerPort);
  if (may) {
    shell.openExternal(new URL(text).href).catch((error: unknown) => {
      console.error('browser:', error);
    });
  }
  return may;
}
