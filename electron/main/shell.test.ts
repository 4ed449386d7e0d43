import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Client, createClient } from '#shared/contract/client.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import type { Desktop } from '#shared/desktop.ts';
import * as electron from '../../test/support/fake-electron.ts';
import { shellHome } from '../../test/support/shell-home.ts';

vi.mock('electron', () => import('../../test/support/fake-electron.ts'));
vi.setConfig({ hookTimeout: 60_000 });

const { app, BrowserWindow, dialog, Menu, nativeTheme, Notification, page, shell, Tray } = electron;
/** Time for a busy machine. */
const SLOW = { timeout: 30_000 };
const event = { preventDefault: vi.fn() };

/** The whole main process with a real engine behind it; only Electron is a stand-in. */
describe('the desktop app', () => {
  let home = '';
  let client: Client;
  let desktop: Desktop;
  const windowNow = (): electron.BrowserWindow => {
    const window = BrowserWindow.all.at(-1);
    if (window === undefined) throw new Error('no window');
    return window;
  };
  const menuItem = (id: string): { checked?: boolean; click?: () => void } | null =>
    Menu.application?.getMenuItemById(id) ?? null;

  beforeAll(async () => {
    home = await shellHome();
    await import('../preload/preload.ts');
    await import('./main.ts');
    app.emit('open-url', event, 'slipway://apps/early');
    await vi.waitFor(() => {
      expect(BrowserWindow.all).toHaveLength(1);
    }, 30_000);
    desktop = page.exposed['slipway'] as Desktop;
    client = createClient(webSocketTransport(desktop.connect()));
    await client.call('system.info', {});
  });

  afterAll(async () => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
    await rm(home, { recursive: true, force: true });
  });

  it('keeps the window’s profile in the data folder, so that there is one instance for each', () => {
    expect(app.paths.get('userData')).toBe(join(home, 'window'));
  });

  it('asks its engine over a message port, and the command finds the engine as well', async () => {
    expect((await client.call('system.info', {})).home).toBe(home);
    expect(JSON.parse(await readFile(join(home, 'engine.json'), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it('goes where a link led that came before the window did', async () => {
    const places: string[] = [];
    await vi.waitFor(() => {
      expect(windowNow().shown).toBe(true);
    }, 30_000);
    const stop = desktop.onGoTo((place) => places.push(place));
    expect(places).toEqual(['/apps/early']);
    app.emit('open-url', event, 'slipway://apps/shop');
    app.emit('open-url', event, 'slipway://apps/ETC');
    app.emit('second-instance', {}, ['slipway', 'folder-of-the-app', 'slipway://apps/blog'], '/');
    expect(places).toEqual(['/apps/early', '/apps/shop', '/apps/blog']);
    stop();
    expect(BrowserWindow.all).toHaveLength(1);
  });

  it('hands folders to the UI that are dropped on its icon, and nothing that is none', () => {
    const paths: string[] = [];
    app.emit('open-file', event, home);
    desktop.onOpenPath((path) => paths.push(path));
    app.emit('open-file', event, join(home, 'slipway.db'));
    app.emit('second-instance', {}, ['slipway', 'folder-of-the-app', 'logs'], home);
    expect(paths).toEqual([home, join(home, 'logs')]);
  });

  it('tells the UI what was chosen in the menu, and does what is its own', async () => {
    const actions: string[] = [];
    desktop.onAction((action) => actions.push(action));
    menuItem('palette.open')?.click?.();
    menuItem('theme.dark')?.click?.();
    expect(actions).toEqual(['palette.open', 'theme.dark']);
    expect(nativeTheme.themeSource).toBe('dark');
    await desktop.setTheme('light');
    expect(nativeTheme.themeSource).toBe('light');
    expect(menuItem('theme.light')?.checked).toBe(true);
    expect(JSON.parse(await readFile(join(home, 'shell.json'), 'utf8'))).toMatchObject({ theme: 'light' });
  });

  it('asks for a folder, and shows folders that belong to Slipway', async () => {
    expect(await desktop.chooseFolder()).toBeNull();
    dialog.folder = home;
    expect(await desktop.chooseFolder()).toBe(home);
    expect(await desktop.showInFolder('/etc')).toBe(false);
    expect(shell.shownItems).toEqual([]);
    expect(await desktop.showInFolder(join(home, 'logs'))).toBe(true);
    expect(shell.shownItems).toEqual([join(home, 'logs')]);
  });

  it('opens an app of its router in the browser', async () => {
    const { webUrl } = await client.call('apps.create', { name: 'outside' });
    windowNow().webContents.openHandler?.({ url: webUrl });
    expect(shell.opened).toEqual([new URL(webUrl).href]);
  });

  it('tells of the end of a deploy while the window is not in front, and leads to the app', async () => {
    const source = { kind: 'folder', path: join(home, 'uploads') } as const;
    const first = await client.call('builds.start', { app: 'outside', source });
    await expect
      .poll(
        async () => (await client.call('builds.get', { app: 'outside', build: first.id })).finishedAt,
        SLOW,
      )
      .not.toBeNull();
    expect(Notification.shown).toEqual([]);
    windowNow().focusedNow = false;
    await client.call('builds.start', { app: 'outside', source });
    await expect.poll(() => Notification.shown.length, SLOW).toBe(1);
    expect(Notification.shown[0]?.options.title).toBe('Deploy of outside failed');
    const places: string[] = [];
    const stop = desktop.onGoTo((place) => places.push(place));
    Notification.shown[0]?.emit('click');
    stop();
    expect(places).toEqual(['/apps/outside']);
    expect(windowNow().focusedNow).toBe(true);
  });

  it('shows the apps in the tray', async () => {
    await expect.poll(() => Tray.last?.tip, SLOW).toBe('Slipway: 0 dynos up, 1 app');
    expect(Tray.last?.menu?.template.map(({ label }) => label)).toContain('outside: no code yet');
  });

  it('loads a page that broke once more, but not again and again', () => {
    const said = vi.spyOn(console, 'error').mockReturnValue();
    const { webContents } = windowNow();
    webContents.emit('render-process-gone', {}, { reason: 'crashed' });
    webContents.emit('render-process-gone', {}, { reason: 'crashed' });
    expect(webContents.reloads).toBe(1);
    said.mockRestore();
  });

  it('outlives its window and opens it where it was', async () => {
    windowNow().close();
    app.emit('window-all-closed');
    expect(app.exitCode).toBeNull();
    expect((await client.call('apps.list', {})).apps).toHaveLength(1);
    Tray.last?.emit('click');
    expect(BrowserWindow.all).toHaveLength(2);
    expect(windowNow().options).toMatchObject({ x: 40, y: 50, width: 900, height: 700 });
    menuItem('app.new')?.click?.();
    expect(windowNow().urls).toEqual(['slipway-ui://app/']);
  });

  it('ends in order: window, host, engine', async () => {
    const exit = new Promise((resolve) => app.once('test-exit', resolve));
    app.emit('before-quit', event);
    expect(await exit).toBe(0);
    expect(dialog.asked).toEqual([]);
    expect(windowNow().destroyed).toBe(true);
    expect(Tray.last?.destroyed).toBe(true);
    await expect(readFile(join(home, 'engine.json'))).rejects.toThrow('ENOENT');
  });
});
