/** One thing that a person can do from the menu, the palette or by keys. */
export interface Action {
  readonly id: string;
  /** As menu and palette show it. */
  readonly label: string;
  /** The menu it is in. */
  readonly menu: 'app' | 'file' | 'view' | 'help';
  /**
   * Keys in the notation of the native menu; `CmdOrCtrl` is Command on macOS and Control elsewhere.
   * In the desktop window the menu takes the keys; the UI binds them in a browser.
   */
  readonly accelerator?: string;
  /** `app` for actions that only make sense while an app is open. */
  readonly needs?: 'app';
  /** Ends a group of the menu. */
  readonly last?: true;
}

/** Everything there is to do, in the order of the menus. One table: native menu, palette and key bindings are made from it. */
export const ACTIONS = [
  { id: 'settings.open', label: 'Settings…', menu: 'app', accelerator: 'CmdOrCtrl+,' },
  { id: 'app.new', label: 'New App…', menu: 'file', accelerator: 'CmdOrCtrl+N' },
  { id: 'folder.choose', label: 'Deploy Folder…', menu: 'file', accelerator: 'CmdOrCtrl+O', last: true },
  {
    id: 'app.deploy',
    label: 'Deploy Again',
    menu: 'file',
    accelerator: 'CmdOrCtrl+Shift+D',
    needs: 'app',
  },
  { id: 'app.open', label: 'Open App in Browser', menu: 'file', accelerator: 'CmdOrCtrl+B', needs: 'app' },
  {
    id: 'app.restart',
    label: 'Restart All Dynos',
    menu: 'file',
    accelerator: 'CmdOrCtrl+Shift+R',
    needs: 'app',
  },
  { id: 'palette.open', label: 'Command Palette…', menu: 'view', accelerator: 'CmdOrCtrl+K' },
  {
    id: 'log.find',
    label: 'Find in Log',
    menu: 'view',
    accelerator: 'CmdOrCtrl+F',
    needs: 'app',
    last: true,
  },
  { id: 'theme.system', label: 'Use System Theme', menu: 'view' },
  { id: 'theme.light', label: 'Light Theme', menu: 'view' },
  { id: 'theme.dark', label: 'Dark Theme', menu: 'view', last: true },
  { id: 'help.shortcuts', label: 'Keyboard Shortcuts', menu: 'help', accelerator: 'CmdOrCtrl+/' },
] as const satisfies readonly Action[];

export type ActionId = (typeof ACTIONS)[number]['id'];

/** Whether a text names an action. */
export function isActionId(text: string): text is ActionId {
  return ACTIONS.some(({ id }) => id === text);
}
