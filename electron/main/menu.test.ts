import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it, vi } from 'vitest';
import { ACTIONS } from '#shared/actions.ts';
import type { App } from '#shared/model/app.ts';
import { menuTemplate } from './menu.ts';
import { trayTemplate } from './tray.ts';

vi.mock('electron', () => import('../../test/support/fake-electron.ts'));

const flat = (items: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] =>
  items.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? flat(item.submenu) : [])]);
const click = (item: MenuItemConstructorOptions | undefined): void => {
  (item?.click as (() => void) | undefined)?.();
};

describe.each([true, false])('the menu (macOS: %s)', (mac) => {
  const ran: string[] = [];
  const menu = (developer: boolean): MenuItemConstructorOptions[] =>
    flat(menuTemplate({ mac, developer, theme: 'dark', run: (id) => ran.push(id) }));

  it('holds every action once, with its keys, and runs it', () => {
    const items = menu(false).filter(({ id }) => id !== undefined);
    expect(items.map(({ id }) => id).sort()).toEqual(ACTIONS.map(({ id }) => id).sort());
    for (const item of items) click(item);
    expect(ran.sort()).toEqual(ACTIONS.map(({ id }) => id).sort());
    expect(items.find(({ id }) => id === 'palette.open')?.accelerator).toBe('CmdOrCtrl+K');
  });

  it('marks the theme', () => {
    expect(
      menu(false)
        .filter(({ checked }) => checked)
        .map(({ id }) => id),
    ).toEqual(['theme.dark']);
  });

  it('has a way out, and tools for developers only in development', () => {
    const roles = (developer: boolean): unknown[] => menu(developer).map(({ role }) => role);
    expect(roles(false).filter((role) => role === 'quit')).toHaveLength(1);
    expect(roles(false)).not.toContain('toggleDevTools');
    expect(roles(true)).toContain('toggleDevTools');
  });
});

describe('the tray', () => {
  const app = (name: string, up: number): App => ({
    ...{ id: name, name, stack: 'heroku-24', createdAt: '', webUrl: '', state: up > 0 ? 'up' : 'off' },
    ...{ release: 3, dynosUp: up, dynosWanted: up, folder: null },
    options: {
      ...{ deployOnSave: false, deployOrder: 'seamless', sleepAfterMinutes: null, dynoMetadata: false },
      ...{ maintenance: false, sessionAffinity: false, dynoChoice: 'random', builder: 'heroku/builder:24' },
    },
  });
  const options = {
    show: (place?: string) => done.push(`show ${place}`),
    quit: (dynos: string) => done.push(`quit ${dynos}`),
  };
  const done: string[] = [];

  it('tells state and leads to each app', () => {
    const items = trayTemplate([app('shop', 2), app('blog', 0)], options);
    expect(items.map(({ label }) => label).slice(0, 3)).toEqual([
      '2 dynos up, 2 apps',
      'shop: up',
      'blog: off',
    ]);
    click(items[2]);
    expect(done.splice(0)).toEqual(['show /apps/blog']);
  });

  it('offers to stop the dynos or to leave them, when there are any', () => {
    const items = trayTemplate([app('shop', 1)], options).slice(-2);
    expect(items.map(({ label }) => label)).toEqual(['Quit and Stop Dynos', 'Quit and Leave Dynos Running']);
    for (const item of items) click(item);
    expect(done.splice(0)).toEqual(['quit stop', 'quit keep']);
    expect(trayTemplate([], options).at(-1)?.visible).toBe(false);
  });

  it('stays short with many apps', () => {
    const items = trayTemplate(
      Array.from({ length: 40 }, (_, at) => app(`app-${at}`, 0)),
      options,
    );
    expect(items.length).toBeLessThan(22);
    expect(items.map(({ label }) => label)).toContain('28 more…');
  });
});
