import type { Engine } from '#engine/engine.ts';

/** What the line tells of an engine. */
type Ready = Pick<Engine, 'routerPort' | 'routerTlsUrl' | 'runtimeKind'> & {
  readonly home: Pick<Engine['home'], 'folder'>;
};

/**
 * The one line that a host prints when everything serves: addresses, runtime and data folder.
 * @param ui address of the UI for a browser, or null where it has a window
 */
export function readyLine(engine: Ready, apiPort: number, ui: string | null): string {
  const { routerPort, routerTlsUrl, runtimeKind, home } = engine;
  return (
    `Slipway ready ${ui === null ? '' : `ui=${ui} `}api=http://localhost:${apiPort} router=http://localhost:${routerPort} ` +
    `${routerTlsUrl === null ? '' : `https=${routerTlsUrl} `}runtime=${runtimeKind} home=${home.folder}`
  );
}
