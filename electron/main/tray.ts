import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';
import type { App } from '#shared/model/app.ts';

const MAX_APPS = 12;
const STATES: Readonly<Record<App['state'], string>> = {
  blank: 'no code yet',
  off: 'off',
  asleep: 'asleep',
  starting: 'starting',
  up: 'up',
  crashed: 'crashed',
  down: 'down',
};

/** What the tray does. */
export interface TrayOptions {
  /** Image file; on macOS one whose name ends in `Template`, so that the system colours it. */
  readonly image: string;
  show(place?: string): void;
  /** @param dynos whether the dynos stop as well */
  quit(dynos: 'stop' | 'keep'): void;
}

/** The icon that stays while Slipway runs, with the state of the apps in its menu. */
export class ShellTray {
  private readonly options: TrayOptions;
  private readonly tray: Tray;

  constructor(options: TrayOptions) {
    this.options = options;
    this.tray = new Tray(nativeImage.createFromPath(options.image));
    this.tray.on('click', () => {
      options.show();
    });
    this.update([]);
  }

  update(apps: readonly App[]): void {
    this.tray.setToolTip(`Slipway: ${summary(apps)}`);
    this.tray.setContextMenu(Menu.buildFromTemplate(trayTemplate(apps, this.options)));
  }

  /** Says that the end is under way; there is nothing left to choose. */
  showStopping(): void {
    this.tray.setToolTip('Slipway: stopping');
    this.tray.setContextMenu(Menu.buildFromTemplate([{ label: 'Stopping…', enabled: false }]));
  }

  close(): void {
    this.tray.destroy();
  }
}

/** Entries of the tray's menu. */
export function trayTemplate(
  apps: readonly App[],
  { show, quit }: Pick<TrayOptions, 'show' | 'quit'>,
): MenuItemConstructorOptions[] {
  const entries = apps.slice(0, MAX_APPS).map(
    ({ name, state }): MenuItemConstructorOptions => ({
      label: `${name}: ${STATES[state]}`,
      click: () => {
        show(`/apps/${name}`);
      },
    }),
  );
  const more =
    apps.length > MAX_APPS ? [{ label: `${apps.length - MAX_APPS} more…`, click: () => show('/') }] : [];
  const leave = dynosUp(apps) > 0;
  return [
    { label: summary(apps), enabled: false },
    ...entries,
    ...more,
    { type: 'separator' },
    {
      label: 'Open Slipway',
      click: () => {
        show();
      },
    },
    { type: 'separator' },
    {
      label: leave ? 'Quit and Stop Dynos' : 'Quit',
      click: () => {
        quit('stop');
      },
    },
    {
      label: 'Quit and Leave Dynos Running',
      visible: leave,
      click: () => {
        quit('keep');
      },
    },
  ];
}

/** Dynos that are up, over all apps. */
export function dynosUp(apps: readonly App[]): number {
  return apps.reduce((sum, app) => sum + app.dynosUp, 0);
}

function summary(apps: readonly App[]): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  return `${count(dynosUp(apps), 'dyno')} up, ${count(apps.length, 'app')}`;
}
