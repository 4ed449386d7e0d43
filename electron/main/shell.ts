import { app, Menu, nativeTheme, Notification, session, shell } from 'electron';
import type { ActionId } from '#shared/actions.ts';
import type { App } from '#shared/model/app.ts';
import type { Settings } from '#engine/settings.ts';
import { codePath } from '../headless/resources.ts';
import { CHANNELS } from '../preload/channels.ts';
import { askAboutDynos, chooseFolder } from './dialogs.ts';
import { type ShellEngine, startEngine } from './engine-process.ts';
import { openOutside } from './external.ts';
import { followEngine } from './follow.ts';
import { acceptPorts, handle } from './ipc.ts';
import { isFolder, type Launch } from './launch.ts';
import { menuTemplate } from './menu.ts';
import type { Notice } from './notices.ts';
import { Quitting } from './quitting.ts';
import { ShellState, ThemeName } from './shell-state.ts';
import { pathWithin } from './show-in-folder.ts';
import { dynosUp, ShellTray } from './tray.ts';
import { serveUi } from './ui-protocol.ts';
import { ShellWindow } from './window.ts';
import { guardContents, restrictPermissions } from './window-rules.ts';

/** The desktop app: one engine, one window, one tray icon. */
export class Shell {
  readonly window: ShellWindow;
  readonly quitting: Quitting;
  private readonly state: ShellState;
  private readonly tray: ShellTray;
  private readonly engine: Promise<ShellEngine>;
  private routerPort: number | null = null;
  private apps: readonly App[] = [];
  private readonly shownNotices = new Set<Notification>();

  /** To be made when Electron is ready. */
  constructor(settings: Settings) {
    const developer = !app.isPackaged;
    this.state = new ShellState(settings.home);
    nativeTheme.themeSource = this.state.theme;
    this.window = new ShellWindow({
      state: this.state,
      preload: codePath('dist', 'preload', 'preload.cjs'),
      icon: codePath('dist', 'main', 'icon.png'),
      devTools: developer,
    });
    serveUi(session.defaultSession, codePath('dist', 'renderer'));
    restrictPermissions(session.defaultSession);
    app.on('web-contents-created', (_event, contents) => {
      guardContents(contents, (url) => openOutside(url, this.routerPort));
    });
    this.tray = new ShellTray({
      image: codePath('dist', 'main', process.platform === 'darwin' ? 'trayTemplate.png' : 'tray.png'),
      show: (place) => {
        this.window.show(place);
      },
      quit: (dynos) => void this.quitting.quit(dynos),
    });
    this.quitting = new Quitting({
      dynosUp: () => dynosUp(this.apps),
      ask: (count) => askAboutDynos(this.window.native, count),
      close: (dynos) => this.close(dynos),
      exit: (code) => {
        app.exit(code);
      },
    });
    this.engine = startEngine(settings);
    this.answerPage();
    this.showMenu(developer);
  }

  /** Resolves when the engine runs and is followed. @throws SlipwayError when it cannot start */
  async ready(): Promise<void> {
    const engine = await this.engine;
    this.routerPort = engine.routerPort;
    void followEngine(engine.client, {
      onApps: (apps) => {
        this.apps = apps;
        this.tray.update(apps);
      },
      onNotice: (notice) => {
        if (!this.window.focused) this.notify(notice);
      },
      onProblem: (what, error) => {
        console.error(`${what}:`, error);
      },
    });
  }

  /** Does what a start of the program, a link or a drop on the icon asks for. */
  open({ place, folder }: Launch): void {
    this.window.show(place ?? undefined);
    if (folder !== null && isFolder(folder)) this.window.send(CHANNELS.openPath, folder);
  }

  private answerPage(): void {
    acceptPorts(CHANNELS.connect, (socket) => {
      this.engine.then(
        (engine) => {
          engine.connect(socket);
        },
        () => {
          socket.close();
        },
      );
    });
    handle(CHANNELS.chooseFolder, () => chooseFolder(this.window.native));
    handle(CHANNELS.showInFolder, async (path) => {
      const { client, home } = await this.engine;
      const { apps } = await client.call('apps.list', {});
      const found = await pathWithin(path, [home, ...apps.flatMap(({ folder }) => folder ?? [])]);
      if (found !== null) shell.showItemInFolder(found);
      return found !== null;
    });
    handle(CHANNELS.setTheme, async (theme) => {
      this.setTheme(ThemeName.parse(theme));
    });
  }

  private showMenu(developer: boolean): void {
    const template = menuTemplate({
      mac: process.platform === 'darwin',
      developer,
      theme: this.state.theme,
      run: (action) => {
        this.run(action);
      },
    });
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  }

  private run(action: ActionId): void {
    const theme = ThemeName.safeParse(/^theme\.(.*)$/.exec(action)?.[1]);
    if (theme.success) this.setTheme(theme.data);
    this.window.show();
    this.window.send(CHANNELS.action, action);
  }

  private setTheme(theme: ThemeName): void {
    this.state.update({ theme });
    nativeTheme.themeSource = theme;
    const item = Menu.getApplicationMenu()?.getMenuItemById(`theme.${theme}`);
    if (item) item.checked = true;
  }

  private notify({ title, body, place }: Notice): void {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    this.shownNotices.add(notification);
    notification.on('close', () => this.shownNotices.delete(notification));
    notification.on('click', () => {
      this.shownNotices.delete(notification);
      this.window.show(place);
    });
    notification.show();
  }

  private async close(dynos: 'stop' | 'keep'): Promise<void> {
    this.tray.showStopping();
    this.window.destroy();
    const engine = await this.engine.catch(() => null);
    await engine?.close(dynos);
    this.tray.close();
  }
}
