import { useEffect } from 'react';
import { tinykeys } from 'tinykeys';
import { desktop } from '../state/host.ts';
import { setLogSettings, logSettings, usePreferences } from '../state/preferences.ts';
import { go, pathOf } from '../state/route.ts';
import { useWorld } from '../state/world.ts';
import { appHere, type Command, commands, requestOpen } from './commands.ts';

/** Keys of the whole window (reference: ui-anchors 4). Letters alone count only outside of text fields, and can be turned off. */
export function useKeys(): void {
  useEffect(
    () =>
      tinykeys(window, {
        ...(desktop === null ? menuKeys() : {}),
        F1: open('palette'),
        ...appKeys(),
        ...letterKeys(),
      }),
    [],
  );
}

function open(what: 'palette' | 'shortcuts'): (event: KeyboardEvent) => void {
  return (event) => {
    event.preventDefault();
    requestOpen(what);
  };
}

/** Keys that the desktop's native menu takes for itself. */
function menuKeys(): Record<string, (event: KeyboardEvent) => void> {
  return {
    '$mod+k': open('palette'),
    '$mod+/': open('shortcuts'),
    '$mod+,': (event) => {
      event.preventDefault();
      go('/settings');
    },
  };
}

/** The nth app of the side bar. */
function appKeys(): Record<string, (event: KeyboardEvent) => void> {
  const keys: Record<string, (event: KeyboardEvent) => void> = {};
  for (let digit = 1; digit <= 9; digit += 1) {
    keys[`$mod+${digit}`] = (event) => {
      const app = useWorld.getState().apps?.[digit - 1];
      if (app === undefined) return;
      event.preventDefault();
      go(pathOf(app.name));
    };
  }
  return keys;
}

function letterKeys(): Record<string, (event: KeyboardEvent) => void> {
  const keys: Record<string, (event: KeyboardEvent) => void> = {
    'Shift+?': letter(() => {
      requestOpen('shortcuts');
    }),
    '/': letter(() => {
      document.querySelector<HTMLElement>('[type="search"]')?.focus();
    }),
    s: letter(() => {
      document.querySelector<HTMLInputElement>('[data-scale]')?.select();
    }),
    p: letter(() => {
      document.querySelector<HTMLElement>('[data-log="pause"]')?.click();
    }),
    f: letter(() => {
      changeLog((log) => ({ follow: !log.follow }));
    }),
    w: letter(() => {
      changeLog((log) => ({ wrap: !log.wrap }));
    }),
    t: letter(() => {
      const next = { none: 'time', time: 'ms', ms: 'relative', relative: 'none' } as const;
      changeLog((log) => ({ time: next[log.time] }));
    }),
  };
  for (const id of [
    'deploy',
    'restart',
    'go.apps',
    'tab:overview',
    'tab:logs',
    'tab:releases',
    'tab:config',
    'tab:console',
    'tab:activity',
  ]) {
    const pattern = KEYS_OF[id] ?? '';
    keys[pattern] = letter(() => {
      find(id)?.run('');
    });
  }
  return keys;
}

const KEYS_OF: Readonly<Record<string, string>> = {
  deploy: 'd',
  restart: 'r',
  'go.apps': 'g a',
  'tab:overview': 'g o',
  'tab:logs': 'g l',
  'tab:releases': 'g r',
  'tab:config': 'g c',
  'tab:routing': 'g u',
  'tab:console': 'g t',
  'tab:activity': 'g y',
};

function find(id: string): Command | undefined {
  return commands().find((command) => command.id === id && command.reason === null);
}

function changeLog(
  change: (log: ReturnType<typeof logSettings>) => Partial<ReturnType<typeof logSettings>>,
): void {
  const app = appHere();
  if (app !== null) setLogSettings(app, change(logSettings(app)));
}

/** Runs for a letter that was not typed into something. */
function letter(action: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (!usePreferences.getState().letterKeys || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (
      target.closest(
        'input:not([type="range"], [type="checkbox"], [type="radio"]), textarea, select, [contenteditable], [role="dialog"], [role="menu"], .xterm',
      ) !== null
    )
      return;
    event.preventDefault();
    action();
  };
}
