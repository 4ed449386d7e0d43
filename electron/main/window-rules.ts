import type { Session, WebContents, WebPreferences } from 'electron';
import { isOwnUrl } from './origin.ts';

/** What every page of the shell runs with. The only place that makes web preferences. */
export function webPreferences(preload: string, devTools: boolean): WebPreferences {
  return {
    preload,
    devTools,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
  };
}

/** Keeps a page where it is: it goes nowhere but within the UI, opens no window and holds no foreign page. */
export function guardContents(contents: WebContents, openOutside: (url: string) => void): void {
  const stay = (event: { readonly url: string; preventDefault(): void }): void => {
    if (!isOwnUrl(event.url)) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame) event.preventDefault();
    else stay(event);
  });
  contents.on('will-redirect', stay);
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url);
    return { action: 'deny' };
  });
}

/** Lets the UI write to the clipboard; no page gets any other permission. */
export function restrictPermissions(session: Session): void {
  const allowed = (permission: string, url: string, isMainFrame: boolean): boolean =>
    permission === 'clipboard-sanitized-write' && isMainFrame && isOwnUrl(url);
  session.setPermissionRequestHandler((_contents, permission, callback, details) => {
    callback(allowed(permission, details.requestingUrl, details.isMainFrame));
  });
  session.setPermissionCheckHandler((_contents, permission, origin, details) =>
    allowed(permission, origin, details.isMainFrame),
  );
  session.setDevicePermissionHandler(() => false);
}
