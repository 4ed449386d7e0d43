import type { MenuItemConstructorOptions } from 'electron';
import { type Action, type ActionId, ACTIONS } from '#shared/actions.ts';
import type { Theme } from '#shared/desktop.ts';

/** What the menu shows and does. */
export interface MenuOptions {
  readonly mac: boolean;
  /** Shows the tools for developers. */
  readonly developer: boolean;
  readonly theme: Theme;
  run(action: ActionId): void;
}

/** The native menu, made from the table of actions and the system's own entries. */
export function menuTemplate(options: MenuOptions): MenuItemConstructorOptions[] {
  const { mac, developer } = options;
  const group = (menu: Action['menu']): MenuItemConstructorOptions[] => items(menu, options);
  const separator = { type: 'separator' } as const;
  const appMenu: MenuItemConstructorOptions = {
    role: 'appMenu',
    submenu: [
      { role: 'about' },
      separator,
      ...group('app'),
      separator,
      { role: 'services' },
      separator,
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      separator,
      { role: 'quit' },
    ],
  };
  const fileEnd: MenuItemConstructorOptions[] = mac
    ? [{ role: 'close' }]
    : [...group('app'), separator, { role: 'close' }, { role: 'quit' }];
  return [
    ...(mac ? [appMenu] : []),
    { label: 'File', submenu: [...group('file'), separator, ...fileEnd] },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        ...group('view'),
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        separator,
        { role: 'togglefullscreen' },
        ...(developer ? ([separator, { role: 'reload' }, { role: 'toggleDevTools' }] as const) : []),
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [...group('help'), ...(mac ? [] : ([{ role: 'about' }] as const))] },
  ];
}

function items(
  menu: Action['menu'],
  { theme, run }: Pick<MenuOptions, 'theme' | 'run'>,
): MenuItemConstructorOptions[] {
  return ACTIONS.filter((action) => action.menu === menu).flatMap((action) => {
    const { id, label, accelerator, last }: Action & { id: ActionId } = action;
    const item: MenuItemConstructorOptions = {
      id,
      label,
      ...(accelerator === undefined ? {} : { accelerator }),
      ...(id.startsWith('theme.') ? { type: 'radio', checked: id === `theme.${theme}` } : {}),
      click: () => {
        run(id);
      },
    };
    return last === true ? [item, { type: 'separator' }] : [item];
  });
}
