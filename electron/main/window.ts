import { BrowserWindow, nativeTheme, screen } from 'electron';
import { CHANNELS } from '../preload/channels.ts';
import { UI_ORIGIN } from './origin.ts';
import type { ShellState } from './shell-state.ts';
import { webPreferences } from './window-rules.ts';

const DEFAULT_SIZE = { width: 1200, height: 800 };
const SMALLEST = { minWidth: 720, minHeight: 480 };
/** A page that breaks again within so many milliseconds of its last break is not loaded once more. */
const BREAKS_APART = 10_000;

/** What the window needs to know of the place it is in. */
export interface WindowOptions {
  readonly state: ShellState;
  readonly preload: string;
  /** Icon of the window where the system wants one from the program. */
  readonly icon: string;
  readonly devTools: boolean;
}

/** The one window. It comes and goes; engine, tray and notifications outlive it. */
export class ShellWindow {
  private readonly options: WindowOptions;
  private window: BrowserWindow | null = null;
  private loaded = false;
  private waiting: (readonly [string, string])[] = [];
  private brokeAt = 0;

  constructor(options: WindowOptions) {
    this.options = options;
  }

  /** The native window while there is one. */
  get native(): BrowserWindow | null {
    return this.window;
  }

  get focused(): boolean {
    return this.window?.isFocused() ?? false;
  }

  /** Brings the window to the front, opening it when it is closed, at a place of the UI such as `/apps/shop` if one is given. */
  show(place?: string): void {
    if (this.window === null) {
      this.open(place ?? '/');
      return;
    }
    if (this.window.isMinimized()) this.window.restore();
    this.window.show();
    this.window.focus();
    if (place !== undefined) this.send(CHANNELS.goTo, place);
  }

  /** Sends the page a message, as soon as it is there to get it. */
  send(channel: string, value: string): void {
    if (this.window === null) this.open('/');
    if (this.loaded) this.window?.webContents.send(channel, value);
    else this.waiting.push([channel, value]);
  }

  /** Takes the window away without asking its page. */
  destroy(): void {
    if (this.window !== null) this.remember(this.window);
    this.window?.destroy();
  }

  private open(place: string): void {
    const { state, preload, icon, devTools } = this.options;
    const window = new BrowserWindow({
      ...DEFAULT_SIZE,
      ...SMALLEST,
      ...state.boundsOn(screen.getAllDisplays().map(({ workArea }) => workArea)),
      title: 'Slipway',
      show: false,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#0f1116' : '#f6f7f9',
      icon,
      webPreferences: webPreferences(preload, devTools),
    });
    this.window = window;
    this.loaded = false;
    if (state.maximized) window.maximize();
    window.once('ready-to-show', () => {
      window.show();
    });
    window.on('close', () => {
      this.remember(window);
    });
    window.on('closed', () => {
      this.window = null;
      this.loaded = false;
      this.waiting = [];
    });
    this.followPage(window);
    window.loadURL(UI_ORIGIN + place).catch((error: unknown) => {
      console.error('window: its page does not load:', error);
    });
  }

  private followPage(window: BrowserWindow): void {
    const { webContents } = window;
    webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) this.loaded = false;
    });
    webContents.on('did-finish-load', () => {
      this.loaded = true;
      for (const [channel, value] of this.waiting.splice(0)) webContents.send(channel, value);
    });
    webContents.on('render-process-gone', (_event, { reason }) => {
      console.error(`window: its page ended (${reason})`);
      const now = Date.now();
      if (reason !== 'clean-exit' && now - this.brokeAt > BREAKS_APART) webContents.reload();
      this.brokeAt = now;
    });
  }

  private remember(window: BrowserWindow): void {
    this.options.state.update({ bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  }
}
