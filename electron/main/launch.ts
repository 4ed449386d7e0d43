import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { AppName } from '#shared/model/names.ts';
import { parseUrl } from './origin.ts';

/** Scheme of links into the app. */
export const LINK_SCHEME = 'slipway';

/** What a start of the program asks for. */
export interface Launch {
  /** Place of the UI to go to. */
  readonly place: string | null;
  /** Folder to deploy. */
  readonly folder: string | null;
}

/** The place of the UI that a link such as `slipway://apps/shop` leads to; null for every other text. */
export function placeOfLink(text: string): string | null {
  const url = parseUrl(text);
  if (url === null || url.protocol !== `${LINK_SCHEME}:` || url.host !== 'apps') return null;
  if (url.username !== '' || url.search !== '' || url.hash !== '') return null;
  const name = AppName.safeParse(url.pathname.replace(/^\//, ''));
  return name.success ? `/apps/${name.data}` : null;
}

/**
 * Reads a command line: a link, or a folder. Switches may be anywhere in it, Chromium's own among them.
 * @param own how many words begin it: the program, and in development the app's folder
 * @param cwd what a relative folder is relative to
 */
export function readLaunch(args: readonly string[], own: number, cwd: string): Launch {
  const words = args.filter((arg) => !arg.startsWith('-')).slice(own);
  const place = words.map(placeOfLink).find((found) => found !== null) ?? null;
  const folder = words.find((word) => !word.includes('://') && isFolder(resolve(cwd, word)));
  return { place, folder: folder === undefined ? null : resolve(cwd, folder) };
}

/** Whether there is a folder at an absolute path. */
export function isFolder(path: string): boolean {
  return isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
