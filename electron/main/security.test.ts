import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { UI_HEADERS } from '#shared/content-policy.ts';
import type { Desktop } from '#shared/desktop.ts';
import {
  app,
  BrowserWindow,
  ipcMain,
  ipcRenderer,
  page,
  protocol,
  session,
  shell,
} from '../../test/support/fake-electron.ts';
import { shellHome } from '../../test/support/shell-home.ts';
import { CHANNELS } from '../preload/channels.ts';
import { isOwnUrl } from './origin.ts';
import { answer } from './ui-protocol.ts';

vi.mock('electron', () => import('../../test/support/fake-electron.ts'));
vi.setConfig({ hookTimeout: 60_000 });

const ROOT = join(import.meta.dirname, '..', '..');
/** Addresses that look like the UI's and are not. */
const LOOK_ALIKES = [
  'slipway-ui://app.evil.example/',
  'slipway-ui://app:81/',
  'slipway-ui://app@evil.example/',
  'slipway-ui://user@app/',
  'slipway-ui://evil/app',
  'slipway-uix://app/',
  'https://app/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,hello',
  'about:blank',
  '',
];

let home = '';

/** The numbers are those of Electron's own list of twenty points. */
describe('security of the desktop app', () => {
  beforeAll(async () => {
    home = await shellHome();
    await import('../preload/preload.ts');
    await import('./main.ts');
    await vi.waitFor(() => {
      expect(BrowserWindow.all).toHaveLength(1);
    }, 30_000);
    const desktop = page.exposed['slipway'] as Desktop;
    expect(desktop.capabilities.desktop).toBe(true);
    expect(await desktop.showInFolder(home)).toBe(true);
  });

  afterAll(async () => {
    const ended = new Promise((resolve) => app.once('test-exit', resolve));
    app.emit('before-quit', { preventDefault: () => undefined });
    expect(await ended).toBe(0);
    for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
    await rm(home, { recursive: true, force: true });
  });

  const window = (): BrowserWindow => {
    const [only] = BrowserWindow.all;
    if (only === undefined) throw new Error('no window');
    return only;
  };
  const preferences = (): Record<string, unknown> =>
    window().options['webPreferences'] as Record<string, unknown>;
  const cancelled = (url: string): boolean => {
    let cancel = false;
    const listener = session.defaultSession.onBeforeRequest as unknown as (
      details: { url: string },
      callback: (answer: { cancel: boolean }) => void,
    ) => void;
    listener({ url }, (given) => (cancel = given.cancel));
    return cancel;
  };
  /** Emits an event of the page that can be prevented, and tells whether it was. */
  const prevented = (event: string, details: object): boolean => {
    let stopped = false;
    window().webContents.emit(event, { ...details, preventDefault: () => (stopped = true) });
    return stopped;
  };

  it('1: loads nothing but its own pages, and lets them ask nobody else', () => {
    expect(window().urls.every(isOwnUrl)).toBe(true);
    for (const url of [
      'http://x.example/a.js',
      'https://x.example/',
      'wss://x.example/',
      'file:///etc/passwd',
    ])
      expect(cancelled(url)).toBe(true);
    expect(cancelled('slipway-ui://app/assets/a.js')).toBe(false);
  });

  it('2: gives pages, their workers and their frames no Node.js', () => {
    expect(preferences()).toMatchObject({
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
    });
  });

  it('3: keeps the preload script apart from the page', () => {
    expect(preferences()['contextIsolation']).toBe(true);
  });

  it('4: sandboxes every process, from before the first one', () => {
    expect(app.sandboxedBeforeReady).toBe(true);
    expect(preferences()['sandbox']).toBe(true);
  });

  it('5: grants writing to the clipboard to the top frame of its own page, and nothing else', () => {
    const { permissionCheck, permissionRequest, devicePermission } = session.defaultSession;
    const check = permissionCheck as unknown as (
      ...values: [unknown, string, string, { isMainFrame: boolean }]
    ) => boolean;
    const own = 'slipway-ui://app/';
    expect(check(null, 'clipboard-sanitized-write', own, { isMainFrame: true })).toBe(true);
    expect(check(null, 'clipboard-sanitized-write', own, { isMainFrame: false })).toBe(false);
    expect(check(null, 'clipboard-sanitized-write', 'https://x.example', { isMainFrame: true })).toBe(false);
    const request = permissionRequest as unknown as (
      ...values: [
        unknown,
        string,
        (granted: boolean) => void,
        { isMainFrame: boolean; requestingUrl: string },
      ]
    ) => void;
    for (const permission of [
      'media',
      'geolocation',
      'notifications',
      'clipboard-read',
      'openExternal',
      'fileSystem',
      'hid',
    ]) {
      expect(check(null, permission, own, { isMainFrame: true })).toBe(false);
      const answers: boolean[] = [];
      request(null, permission, (granted) => answers.push(granted), {
        isMainFrame: true,
        requestingUrl: own,
      });
      expect(answers).toEqual([false]);
    }
    expect((devicePermission as unknown as () => boolean)()).toBe(false);
  });

  it('6: leaves web security on', () => {
    expect(preferences()['webSecurity']).toBe(true);
  });

  it('7: sends a policy with every answer that starts from nothing and allows no inline code', async () => {
    for (const url of ['slipway-ui://app/', 'slipway-ui://app/missing.js', 'slipway-ui://evil/'])
      expect(
        (await answer({ url, method: 'GET' }, join(ROOT, 'renderer'))).headers.get('content-security-policy'),
      ).toBe(UI_HEADERS['content-security-policy']);
    expect(UI_HEADERS['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(UI_HEADERS['content-security-policy']).not.toMatch(/unsafe|\*|http/);
  });

  it.each([
    ['8: allows no insecure content', 'allowRunningInsecureContent'],
    ['9: turns no experimental features on', 'experimentalFeatures'],
    ['10: sets no Blink feature flags', 'enableBlinkFeatures'],
  ])('%s', (_, name) => {
    expect(preferences()).not.toHaveProperty(name);
  });

  it('11: has no webview tag that could allow popups', () => {
    expect(preferences()['webviewTag']).toBe(false);
  });

  it('12: prevents every webview', () => {
    expect(prevented('will-attach-webview', {})).toBe(true);
  });

  it('13: goes nowhere but within the UI, look-alikes included', () => {
    for (const event of ['will-navigate', 'will-redirect', 'will-frame-navigate']) {
      expect(prevented(event, { url: 'slipway-ui://app/apps/shop', isMainFrame: true })).toBe(false);
      for (const url of LOOK_ALIKES) expect(prevented(event, { url, isMainFrame: true })).toBe(true);
    }
    expect(prevented('will-frame-navigate', { url: 'slipway-ui://app/', isMainFrame: false })).toBe(true);
  });

  it('14: opens no window, and hands what may be outside to the browser', () => {
    const { openHandler } = window().webContents;
    for (const url of [...LOOK_ALIKES, 'http://x.example/', 'https://docs.docker.com.evil.example/']) {
      expect(openHandler?.({ url })).toEqual({ action: 'deny' });
    }
    expect(shell.opened).toEqual([]);
    expect(openHandler?.({ url: 'https://docs.docker.com/engine/' })).toEqual({ action: 'deny' });
    expect(shell.opened).toEqual(['https://docs.docker.com/engine/']);
  });

  it('15: hands to the browser only apps of its own router and listed sites, by http and https', async () => {
    const { mayOpenOutside } = await import('./external.ts');
    expect(mayOpenOutside('http://shop.localhost:7080/a?b#c', 7080)).toBe(true);
    expect(mayOpenOutside('http://shop.localhost/', 80)).toBe(true);
    expect(mayOpenOutside('https://devcenter.heroku.com/articles/procfile', null)).toBe(true);
    for (const url of [
      'http://shop.localhost:7081/',
      'http://localhost:7080/',
      'http://shop.localhost.evil.example:7080/',
      'http://user:secret@shop.localhost:7080/',
      'http://a@shop.localhost:7080/',
      'http://devcenter.heroku.com/',
      'https://devcenter.heroku.com:8443/',
      'https://evil.example/https://devcenter.heroku.com/',
      'file:///etc/passwd',
      'smb://machine/share',
      'ms-settings:privacy',
      'javascript:alert(1)',
      'not a url',
    ])
      expect(mayOpenOutside(url, 7080)).toBe(false);
    expect(mayOpenOutside('http://shop.localhost:7080/', null)).toBe(false);
  });

  it('16: pins one version of Electron, of a line that is supported', async () => {
    const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(devDependencies['electron']).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Number.parseInt(devDependencies['electron'] ?? '', 10)).toBeGreaterThanOrEqual(45);
  });

  it('17: answers questions and takes ports of its own top frame only', async () => {
    const desktop = page.exposed['slipway'] as Desktop;
    const foreign = [
      null,
      { url: 'slipway-ui://app/', parent: {} },
      ...LOOK_ALIKES.map((url) => ({ url, parent: null })),
    ];
    const own = page.frame;
    for (const frame of foreign) {
      page.frame = frame;
      await expect(desktop.chooseFolder()).rejects.toThrow('own pages');
      await expect(desktop.showInFolder(home)).rejects.toThrow('own pages');
      await expect(desktop.setTheme('dark')).rejects.toThrow('own pages');
      desktop.connect();
      expect(ipcRenderer.sentPorts.at(-1)?.closed).toBe(true);
    }
    page.frame = own;
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage(CHANNELS.connect, null, [port1, port2]);
    expect(ipcRenderer.sentPorts.at(-1)?.closed).toBe(true);
    expect(ipcMain.eventNames()).toEqual([CHANNELS.connect]);
    expect([...ipcMain.handlers.keys()].sort()).toEqual(
      [CHANNELS.chooseFolder, CHANNELS.setTheme, CHANNELS.showInFolder].sort(),
    );
    await expect(desktop.setTheme('no theme' as 'dark')).rejects.toThrow();
  });

  it('18: serves its pages by a scheme of its own, from one folder, not from files', async () => {
    expect(protocol.registeredBeforeReady).toBe(true);
    expect(protocol.schemes).toEqual([
      {
        scheme: 'slipway-ui',
        privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
      },
    ]);
    expect([...session.defaultSession.schemes.keys()]).toEqual(['slipway-ui']);
    const folder = join(ROOT, 'renderer');
    const status = async (url: string, method = 'GET'): Promise<number> =>
      (await answer({ url, method }, folder)).status;
    expect(await status('slipway-ui://app/')).toBe(200);
    expect(await status('slipway-ui://app/apps/shop')).toBe(200);
    expect(await status('slipway-ui://app/styles/base.css')).toBe(200);
    expect(await status('slipway-ui://app/missing.css')).toBe(404);
    expect(await status('slipway-ui://app/', 'POST')).toBe(405);
    for (const path of [
      '%2e%2e/package.json',
      '..%2fpackage.json',
      '..%5cpackage.json',
      '%252e%252e/package.json',
      'a/%2e%2e%2f%2e%2e/package.json',
      '%00.html',
      'c:/x.html',
      '%ff.html',
    ])
      expect([400, 404]).toContain(await status(`slipway-ui://app/${path}`));
    expect(
      await (await answer({ url: 'slipway-ui://app/../package.json', method: 'GET' }, folder)).text(),
    ).not.toContain('devDependencies');
  });

  it('19: switches the fuses to the safe side', async () => {
    const { electronFuses } = parse(await readFile(join(ROOT, 'electron-builder.yml'), 'utf8')) as {
      electronFuses: Record<string, boolean>;
    };
    expect(electronFuses).toMatchObject({
      runAsNode: false,
      enableCookieEncryption: true,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      grantFileProtocolExtraPrivileges: false,
    });
  });

  it('20: gives the page one object of plain functions, and never an event', () => {
    expect(Object.keys(page.exposed)).toEqual(['slipway']);
    expect(Object.keys(page.exposed['slipway'] as object).sort()).toEqual([
      ...['capabilities', 'chooseFolder', 'connect', 'onAction', 'onGoTo', 'onOpenPath', 'pathOfFile'],
      ...['setTheme', 'showInFolder'],
    ]);
    const got: unknown[][] = [];
    const desktop = page.exposed['slipway'] as Desktop;
    const stop = desktop.onAction((...values: unknown[]) => got.push(values));
    ipcRenderer.emit(CHANNELS.action, { sender: 'event' }, 'palette.open', 'more');
    stop();
    ipcRenderer.emit(CHANNELS.action, { sender: 'event' }, 'app.new');
    expect(got).toEqual([['palette.open']]);
    expect(desktop.pathOfFile({ name: 'shop' } as File)).toBe('/dropped/shop');
  });
});
