import { useSyncExternalStore } from 'react';

/** Where in the UI one is, as the address says it. */
export type Place =
  | { readonly screen: 'apps' }
  | { readonly screen: 'app'; readonly app: string }
  | { readonly screen: 'unknown' };

const listeners = new Set<() => void>();

/** Goes to a path of the UI, such as `/apps/shop`. */
export function go(path: string): void {
  history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

/** The place that a path names. */
export function placeOf(path: string): Place {
  if (path === '/' || path === '/apps' || path === '/apps/') return { screen: 'apps' };
  const app = /^\/apps\/([a-z0-9-]{3,30})\/?$/.exec(path)?.[1];
  return app === undefined ? { screen: 'unknown' } : { screen: 'app', app };
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
