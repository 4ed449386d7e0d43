import { useSyncExternalStore } from 'react';

/** The parts of an app's screen, each with an address of its own. */
export const APP_TABS = ['overview', 'releases', 'logs', 'config', 'routing', 'console', 'activity'] as const;
export type AppTab = (typeof APP_TABS)[number];

/** Where in the UI one is, as the address says it. */
export type Place =
  | { readonly screen: 'apps' }
  | { readonly screen: 'app'; readonly app: string; readonly tab: AppTab }
  | { readonly screen: 'settings' }
  | { readonly screen: 'unknown' };

const listeners = new Set<() => void>();

/** Goes to a path of the UI, such as `/apps/shop`. */
export function go(path: string): void {
  if (path !== location.pathname) history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

/** Path of an app's tab. */
export function pathOf(app: string, tab: AppTab = 'overview'): string {
  return tab === 'overview' ? `/apps/${app}` : `/apps/${app}/${tab}`;
}

/** The place that a path names. */
export function placeOf(path: string): Place {
  const [first, app, tab = 'overview', rest] = path.split('/').filter((part) => part !== '');
  if (rest !== undefined) return { screen: 'unknown' };
  if (first === 'settings' && app === undefined) return { screen: 'settings' };
  if (first !== undefined && first !== 'apps') return { screen: 'unknown' };
  if (app === undefined) return { screen: 'apps' };
  const known = APP_TABS.find((each) => each === tab);
  return known === undefined ? { screen: 'unknown' } : { screen: 'app', app, tab: known };
}

/** The present place. */
export function currentPlace(): Place {
  return placeOf(location.pathname);
}

/** The present place; the component is drawn again when it changes. */
export function usePlace(): Place {
  return placeOf(useSyncExternalStore(subscribe, () => location.pathname));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}
