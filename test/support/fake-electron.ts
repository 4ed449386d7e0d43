import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { MessagePort as NodePort } from 'node:worker_threads';

/**
 * Stands in for the `electron` module where there is no Electron: main process and page of one window in one process.
 * It does nothing but remember what it was told and hand messages over, so it shows what we ask of Electron, not what Electron does.
 */

type Listener = (...values: never[]) => unknown;

class FakeApp extends EventEmitter {
  isPackaged = false;
  isReady = false;
  sandboxedBeforeReady = false;
  hasLock = true;
  exitCode: number | null = null;
  readonly paths = new Map<string, string>();
  readonly protocols: string[] = [];
  readonly dock = undefined;

  enableSandbox(): void {
    this.sandboxedBeforeReady = !this.isReady;
  }
  whenReady(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.isReady = true;
        resolve();
      });
    });
  }
  /** Like Electron's, it wants a folder that exists. */
  setPath(name: string, path: string): void {
    if (!existsSync(path)) throw new Error(`Failed to set path: ${path}`);
    this.paths.set(name, path);
  }
  requestSingleInstanceLock(): boolean {
    return this.hasLock;
  }
  setAppUserModelId(): void {}
  setAsDefaultProtocolClient(scheme: string): void {
    this.protocols.push(scheme);
  }
  exit(code: number): void {
    this.exitCode = code;
    this.emit('test-exit', code);
  }
}
export const app = new FakeApp();

/** The frame that messages of the fake page come from. */
export const page = {
  frame: { url: 'slipway-ui://app/', parent: null } as { url: string; parent: unknown } | null,
  /** What the preload script gave the page. */
  exposed: {} as Record<string, unknown>,
};

class FakePortMain extends EventEmitter {
  readonly port: NodePort;
  closed = false;

  constructor(port: NodePort) {
    super();
    this.port = port;
    port.on('close', () => {
      this.closed = true;
      this.emit('close');
    });
  }
  postMessage(data: unknown): void {
    this.port.postMessage(data);
  }
  start(): void {
    this.port.on('message', (data: unknown) => this.emit('message', { data, ports: [] }));
  }
  close(): void {
    this.closed = true;
    this.port.close();
  }
}

class FakeIpcMain extends EventEmitter {
  readonly handlers = new Map<string, Listener>();
  handle(channel: string, listener: Listener): void {
    this.handlers.set(channel, listener);
  }
}
export const ipcMain = new FakeIpcMain();

class FakeIpcRenderer extends EventEmitter {
  /** Main's ends of the ports that the page sent. */
  readonly sentPorts: FakePortMain[] = [];

  postMessage(channel: string, message: unknown, ports: NodePort[] = []): void {
    const ends = ports.map((port) => new FakePortMain(port));
    this.sentPorts.push(...ends);
    ipcMain.emit(channel, { senderFrame: page.frame, ports: ends }, structuredClone(message));
  }
  async invoke(channel: string, ...values: unknown[]): Promise<unknown> {
    const handler = ipcMain.handlers.get(channel) as ((...all: unknown[]) => unknown) | undefined;
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return structuredClone(await handler({ senderFrame: page.frame }, ...structuredClone(values)));
  }
}
export const ipcRenderer = new FakeIpcRenderer();

export const contextBridge = {
  exposeInMainWorld(key: string, api: unknown): void {
    page.exposed[key] = api;
  },
};

export const webUtils = { getPathForFile: (file: { name: string }): string => `/dropped/${file.name}` };

type OpenHandler = (details: { url: string }) => { action: string };

export class FakeWebContents extends EventEmitter {
  openHandler: OpenHandler | null = null;
  reloads = 0;
  setWindowOpenHandler(handler: OpenHandler): void {
    this.openHandler = handler;
  }
  send(channel: string, ...values: unknown[]): void {
    ipcRenderer.emit(channel, { sender: 'an event that no page may see' }, ...values);
  }
  reload(): void {
    this.reloads += 1;
  }
}

export class BrowserWindow extends EventEmitter {
  static readonly all: BrowserWindow[] = [];
  readonly webContents = new FakeWebContents();
  readonly options: Record<string, unknown>;
  readonly urls: string[] = [];
  shown = false;
  destroyed = false;
  focusedNow = false;

  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.all.push(this);
    app.emit('web-contents-created', {}, this.webContents);
  }
  async loadURL(url: string): Promise<void> {
    this.urls.push(url);
    this.webContents.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false });
    await new Promise(setImmediate);
    if (this.destroyed) return;
    this.webContents.emit('did-finish-load');
    this.emit('ready-to-show');
  }
  show(): void {
    this.shown = true;
  }
  focus(): void {
    this.focusedNow = true;
  }
  restore(): void {}
  maximize(): void {}
  isMinimized(): boolean {
    return false;
  }
  isMaximized(): boolean {
    return false;
  }
  isFocused(): boolean {
    return this.focusedNow;
  }
  getNormalBounds(): object {
    return { x: 40, y: 50, width: 900, height: 700 };
  }
  close(): void {
    this.emit('close');
    this.destroy();
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('closed');
  }
}

type Template = readonly { id?: string; label?: string; submenu?: unknown; click?: () => void }[];

class FakeMenu {
  readonly template: Template;
  constructor(template: Template) {
    this.template = template;
  }
  getMenuItemById(id: string): { checked?: boolean; click?: () => void } | null {
    const find = (items: Template): { id?: string; click?: () => void } | null => {
      for (const item of items) {
        const found =
          item.id === id ? item : Array.isArray(item.submenu) ? find(item.submenu as Template) : null;
        if (found !== null) return found;
      }
      return null;
    };
    return find(this.template);
  }
}
export const Menu = {
  application: null as FakeMenu | null,
  buildFromTemplate: (template: Template): FakeMenu => new FakeMenu(template),
  setApplicationMenu(menu: FakeMenu): void {
    Menu.application = menu;
  },
  getApplicationMenu: (): FakeMenu | null => Menu.application,
};

export class Tray extends EventEmitter {
  static last: Tray | null = null;
  tip = '';
  menu: FakeMenu | null = null;
  destroyed = false;
  constructor() {
    super();
    Tray.last = this;
  }
  setToolTip(text: string): void {
    this.tip = text;
  }
  setContextMenu(menu: FakeMenu): void {
    this.menu = menu;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

export class Notification extends EventEmitter {
  static readonly shown: Notification[] = [];
  static isSupported(): boolean {
    return true;
  }
  readonly options: { title: string; body: string };
  constructor(options: { title: string; body: string }) {
    super();
    this.options = options;
  }
  show(): void {
    Notification.shown.push(this);
  }
}

export const dialog = {
  /** What the person answers. */
  folder: null as string | null,
  button: 2,
  asked: [] as unknown[],
  errors: [] as string[],
  showOpenDialog: (): Promise<{ filePaths: string[] }> =>
    Promise.resolve({ filePaths: dialog.folder === null ? [] : [dialog.folder] }),
  showMessageBox(...values: unknown[]): Promise<{ response: number }> {
    dialog.asked.push(values.at(-1));
    return Promise.resolve({ response: dialog.button });
  },
  showErrorBox(_title: string, text: string): void {
    dialog.errors.push(text);
  },
};

export const shell = {
  opened: [] as string[],
  shownItems: [] as string[],
  openExternal(url: string): Promise<void> {
    shell.opened.push(url);
    return Promise.resolve();
  },
  showItemInFolder(path: string): void {
    shell.shownItems.push(path);
  },
};

export const nativeTheme = { themeSource: 'system', shouldUseDarkColors: false };
export const nativeImage = { createFromPath: (path: string): object => ({ path }) };
export const screen = {
  getAllDisplays: (): object[] => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
};

export const protocol = {
  schemes: [] as { scheme: string; privileges: Record<string, boolean> }[],
  registeredBeforeReady: false,
  registerSchemesAsPrivileged(schemes: { scheme: string; privileges: Record<string, boolean> }[]): void {
    protocol.schemes = schemes;
    protocol.registeredBeforeReady = !app.isReady;
  },
};

class FakeSession {
  readonly schemes = new Map<string, Listener>();
  onBeforeRequest: Listener | null = null;
  permissionRequest: Listener | null = null;
  permissionCheck: Listener | null = null;
  devicePermission: Listener | null = null;
  readonly protocol = {
    handle: (scheme: string, handler: Listener): void => {
      this.schemes.set(scheme, handler);
    },
  };
  readonly webRequest = {
    onBeforeRequest: (listener: Listener): void => {
      this.onBeforeRequest = listener;
    },
  };
  setPermissionRequestHandler(handler: Listener): void {
    this.permissionRequest = handler;
  }
  setPermissionCheckHandler(handler: Listener): void {
    this.permissionCheck = handler;
  }
  setDevicePermissionHandler(handler: Listener): void {
    this.devicePermission = handler;
  }
}
export const session = { defaultSession: new FakeSession() };
