import { create } from 'zustand';
import * as z from 'zod/mini';
import { desktop } from './host.ts';

/** How one app's log panel was left. */
const LogSettings = z.object({
  mode: z._default(z.enum(['highlight', 'filter']), 'highlight'),
  query: z._default(z.string(), ''),
  matchCase: z._default(z.boolean(), false),
  wholeWord: z._default(z.boolean(), false),
  regex: z._default(z.boolean(), false),
  /** Sources that are shown, or with `except` the ones that are not. */
  sources: z._default(z.object({ except: z.boolean(), names: z.array(z.string()) }), {
    except: true,
    names: [],
  }),
  wrap: z._default(z.boolean(), true),
  time: z._default(z.enum(['none', 'time', 'ms', 'relative']), 'time'),
  colours: z._default(z.boolean(), true),
  follow: z._default(z.boolean(), true),
});
export type LogSettings = z.infer<typeof LogSettings>;

const Preferences = z.object({
  theme: z._default(z.enum(['system', 'light', 'dark']), 'system'),
  density: z._default(z.enum(['comfortable', 'compact']), 'comfortable'),
  /** Whether single letters are shortcuts (WCAG 2.1.4). */
  letterKeys: z._default(z.boolean(), true),
  announceLines: z._default(z.boolean(), false),
  /** Height of the log on the overview, as a share of the window. */
  logShare: z._default(z.number().check(z.minimum(0.15), z.maximum(0.85)), 0.45),
  logs: z._default(z.record(z.string(), LogSettings), {}),
  recentActions: z._default(z.array(z.string()), []),
});
export type Preferences = z.infer<typeof Preferences>;

/** `public/theme.js` reads the same entry before the first paint. */
const KEY = 'slipway.preferences';
const DEFAULT_LOG: LogSettings = LogSettings.parse({});

/** What a person chose about the UI; kept in the browser. */
export const usePreferences = create<Preferences>(() => load());

/** Changes and keeps preferences. */
export function setPreferences(change: Partial<Preferences>): void {
  usePreferences.setState(change);
  try {
    localStorage.setItem(KEY, JSON.stringify(usePreferences.getState()));
  } catch {
    // A full or forbidden storage costs only that the choice is not kept.
  }
}

/** How the log panel of an app was left. */
export function logSettings(app: string): LogSettings {
  return usePreferences.getState().logs[app] ?? DEFAULT_LOG;
}

/** The same, drawn again when it changes. */
export function useLogSettings(app: string): LogSettings {
  return usePreferences((preferences) => preferences.logs[app]) ?? DEFAULT_LOG;
}

/** Changes how the log panel of an app looks. */
export function setLogSettings(app: string, change: Partial<LogSettings>): void {
  const { logs } = usePreferences.getState();
  setPreferences({ logs: { ...logs, [app]: { ...logSettings(app), ...change } } });
}

/** Shows theme and density on the page, now and whenever they change. */
export function applyAppearance(): void {
  const apply = ({ theme, density }: Preferences): void => {
    const { dataset } = document.documentElement;
    if (theme === 'system') delete dataset['theme'];
    else dataset['theme'] = theme;
    dataset['density'] = density;
  };
  apply(usePreferences.getState());
  usePreferences.subscribe((now, before) => {
    apply(now);
    if (now.theme !== before.theme) void desktop?.setTheme(now.theme);
  });
}

function load(): Preferences {
  try {
    return Preferences.parse(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
  } catch {
    return Preferences.parse({});
  }
}
