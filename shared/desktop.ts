import type { ActionId } from './actions.ts';
import type { SocketLike } from './contract/web-socket.ts';

/** What only a desktop can do; a browser shows a text field or nothing in its place. */
export interface Capabilities {
  readonly desktop: true;
  readonly platform: 'mac' | 'windows' | 'linux';
}

export type Theme = 'system' | 'light' | 'dark';

/** What the desktop shell gives the UI as `window.slipway`; a browser has none. */
export interface Desktop {
  readonly capabilities: Capabilities;
  /** Opens a connection to the engine; `webSocketTransport` makes a transport of it. */
  connect(): SocketLike;
  /** Asks for a folder by the system's dialog; null when the person changed their mind. */
  chooseFolder(): Promise<string | null>;
  /** Path of a dropped file or folder; empty for one that is not on the disk. */
  pathOfFile(file: File): string;
  /**
   * Shows an app's folder, the data folder or something in them in the file manager.
   * False when the path is none of these or does not exist.
   */
  showInFolder(path: string): Promise<boolean>;
  setTheme(theme: Theme): Promise<void>;
  /** Actions chosen in the native menu. The answer ends listening. */
  onAction(listener: (action: ActionId) => void): () => void;
  /** Folders dropped on the app's icon or given to its program. What came before the first listener waits for it. */
  onOpenPath(listener: (path: string) => void): () => void;
  /** Places of the UI that a link or a notification leads to, such as `/apps/shop`. Waits for the first listener as well. */
  onGoTo(listener: (place: string) => void): () => void;
}

declare global {
  interface Window {
    readonly slipway?: Desktop;
  }
}
