import { ACTIONS, type ActionId } from '#shared/actions.ts';
import { askRollback, restart, scale } from '../actions/app-actions.ts';
import { chooseFolder, openDeployDialog, redeploy } from '../actions/deploy.ts';
import { setPreferences } from '../state/preferences.ts';
import { type AppTab, currentPlace, go, pathOf } from '../state/route.ts';
import { useWorld } from '../state/world.ts';

/** Something that the palette offers and keys do. */
export interface Command {
  readonly id: string;
  readonly label: string;
  readonly section: 'Here' | 'Apps' | 'Actions' | 'Settings';
  /** More words to find it by. */
  readonly keywords: string;
  /** Shown in weaker text, the app's name mostly. */
  readonly context: string;
  /** Keys in the notation of the native menu, or letters one after the other (`g l`). */
  readonly keys?: string;
  /** Why it cannot run now; null when it can. */
  readonly reason: string | null;
  /** A value it asks for on a second page; without one `run` is called at once. */
  readonly asks?: { readonly title: string; readonly hint: string };
  run(value: string): void;
}

const opened = new Set<(what: 'palette' | 'shortcuts') => void>();

/** Tells what wants to be opened; palette and shortcut list listen. */
export function onOpenRequest(listener: (what: 'palette' | 'shortcuts') => void): () => void {
  opened.add(listener);
  return () => opened.delete(listener);
}

/** Asks for the palette or the list of shortcuts. */
export function requestOpen(what: 'palette' | 'shortcuts'): void {
  for (const listener of opened) listener(what);
}

/** App whose screen is open. */
export function appHere(): string | null {
  const place = currentPlace();
  return place.screen === 'app' ? place.app : null;
}

/** Everything that can be done right now, what belongs to the present screen first. */
export function commands(): readonly Command[] {
  const app = appHere();
  const { apps } = useWorld.getState();
  return [
    ...(app === null ? [] : appCommands(app)),
    ...(apps ?? []).map((each) => ({
      ...{
        id: `app:${each.name}`,
        label: each.name,
        section: 'Apps' as const,
        keywords: 'go open app',
        context: each.state,
        reason: null,
      },
      run: () => {
        go(pathOf(each.name));
      },
    })),
    ...tableCommands(app),
    {
      id: 'go.apps',
      label: 'Go to apps',
      section: 'Actions',
      keywords: 'list all home',
      context: '',
      keys: 'g a',
      reason: null,
      run: () => {
        go('/apps');
      },
    },
  ];
}

const TABS: readonly (readonly [AppTab, string, string])[] = [
  ['overview', 'Overview', 'g o'],
  ['logs', 'Logs', 'g l'],
  ['releases', 'Releases', 'g r'],
  ['config', 'Config vars', 'g c'],
  ['console', 'Console', 'g t'],
  ['routing', 'Routing', 'g u'],
  ['activity', 'Activity', 'g y'],
];

function appCommands(app: string): Command[] {
  const { open } = useWorld.getState();
  const here = { section: 'Here' as const, context: app, reason: null };
  const back = open?.releases?.find((release) => release.eligibleForRollback && !release.current);
  return [
    {
      ...here,
      id: 'deploy',
      label: 'Deploy',
      keywords: 'release build again latest',
      keys: 'd',
      run: () => void redeploy(app),
    },
    ...(open?.formation ?? []).map(({ type, quantity }) => ({
      ...here,
      id: `scale:${type}`,
      label: `Scale ${type} to…`,
      keywords: 'dyno process formation quantity',
      ...(type === 'web' ? { keys: 's' } : {}),
      asks: { title: `Dynos of ${type}`, hint: `${quantity} now; type a number` },
      run: (value: string) => {
        const wanted = Number(value);
        if (Number.isInteger(wanted) && wanted >= 0 && value.trim() !== '')
          void scale(app, { type, quantity: wanted }, true);
      },
    })),
    {
      ...here,
      id: 'restart',
      label: 'Restart all dynos',
      keywords: 'reboot',
      keys: 'r',
      run: () => void restart(app),
    },
    {
      ...here,
      id: 'rollback',
      label: back === undefined ? 'Roll back' : `Roll back to v${back.version}…`,
      keywords: 'undo release previous',
      reason: back === undefined ? 'no earlier release' : null,
      run: () => {
        if (back !== undefined) askRollback(app, back.version);
      },
    },
    ...TABS.map(([tab, label, keys]) => ({
      ...here,
      id: `tab:${tab}`,
      label: `Go to ${label.toLowerCase()}`,
      keywords: 'show',
      keys,
      run: () => {
        go(pathOf(app, tab));
      },
    })),
  ];
}

const EFFECTS: Readonly<Record<ActionId, (app: string | null) => void>> = {
  'settings.open': () => {
    go('/settings');
  },
  'app.new': () => {
    openDeployDialog();
  },
  'folder.choose': (app) => void chooseFolder(app),
  'app.deploy': (app) => {
    if (app !== null) void redeploy(app);
  },
  'app.open': (app) => {
    const found = useWorld.getState().apps?.find((each) => each.name === app);
    if (found !== undefined) window.open(found.webUrl, '_blank', 'noopener');
  },
  'app.restart': (app) => {
    if (app !== null) void restart(app);
  },
  'palette.open': () => {
    requestOpen('palette');
  },
  'log.find': () => {
    document.querySelector<HTMLElement>('[aria-label="Find in log"]')?.focus();
  },
  'theme.system': () => {
    setPreferences({ theme: 'system' });
  },
  'theme.light': () => {
    setPreferences({ theme: 'light' });
  },
  'theme.dark': () => {
    setPreferences({ theme: 'dark' });
  },
  'help.shortcuts': () => {
    requestOpen('shortcuts');
  },
};

/** Does what a menu entry says. */
export function runAction(id: ActionId): void {
  EFFECTS[id](appHere());
}

/** Actions that the app's own commands already offer, and the palette itself. */
const COVERED = new Set<ActionId>(['app.deploy', 'app.restart', 'palette.open']);

function tableCommands(app: string | null): Command[] {
  return ACTIONS.filter(({ id }) => !COVERED.has(id)).map((action) => ({
    id: action.id,
    label: action.label.replace('…', ''),
    section: action.id.startsWith('theme') || action.id.startsWith('settings') ? 'Settings' : 'Actions',
    keywords: action.menu,
    context: '',
    ...('accelerator' in action && !BROWSER_KEEPS.test(action.accelerator)
      ? { keys: action.accelerator }
      : {}),
    reason: 'needs' in action && app === null ? 'open an app first' : null,
    run: () => {
      runAction(action.id);
    },
  }));
}

/** Keys that browsers do not hand out (reference: ui-anchors 7). */
const BROWSER_KEEPS = /^CmdOrCtrl\+(?:Shift\+)?[NWTOBRD]$/;
