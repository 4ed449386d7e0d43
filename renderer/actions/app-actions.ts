import type { App, FormationEntry } from '#shared/model/app.ts';
import type { AppOptions } from '#shared/model/options.ts';
import type { StackName } from '#shared/model/stack.ts';
import { call } from '../state/connection.ts';
import { go } from '../state/route.ts';
import { dropDeed, noteDeed, undoDeed, updateOpen, useWorld } from '../state/world.ts';
import { closeToast, toast, toastProblem } from '../ui/toasts.tsx';
import { count } from '../ui/words.ts';

/** Runs what a person asked for; a failure is told, named by what was asked. */
export async function attempt(what: string, action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    toastProblem(what, error);
    return false;
  }
}

/** Where something done is shown: its message, and its place in the activity list. */
interface Shown {
  readonly toast: string;
  readonly deed: number;
}

/** Tells what was done, with an undo in the message and in the activity list. */
function done(app: string, text: string, undo: (() => Promise<void>) | null): Shown {
  const deed = noteDeed(app, text, undo);
  return { deed, toast: toast(text, undo === null ? undefined : () => void undoDeed(deed)) };
}

/** One wish for a process type. */
export interface ScaleWish {
  readonly type: string;
  readonly quantity?: number;
  readonly size?: string;
}

/** Time within which steps of one slider count as one wish, in milliseconds. */
const ONE_WISH = 5_000;

/** The last wish for a process type: what was before it, and where it is shown. */
const wishes = new Map<
  string,
  { readonly before: FormationEntry; readonly at: number; readonly shown: Shown }
>();

/**
 * Asks for a number of dynos or another size; shown at once, corrected by the answer, and undoable. Steps that follow
 * each other soon are told and undone as one, unless the wish stands alone.
 */
export function scale(app: string, wish: ScaleWish, alone = false): Promise<boolean> {
  const key = `${app} ${wish.type} ${wish.size === undefined ? 'quantity' : 'size'}`;
  const last = wishes.get(key);
  const goesOn = !alone && last !== undefined && Date.now() - last.at < ONE_WISH;
  const now = useWorld.getState().open?.formation?.find((entry) => entry.type === wish.type);
  const before = goesOn ? last.before : now;
  return attempt(`${wish.type} of ${app} was not scaled`, async () => {
    await applyScale(app, wish);
    if (goesOn) {
      closeToast(last.shown.toast);
      dropDeed(last.shown.deed);
    }
    const undo = before === undefined ? null : undoScale(app, before, wish, () => wishes.delete(key));
    const shown = done(app, `${app}: ${scaleText(before, wish)}`, undo);
    if (alone || before === undefined) wishes.delete(key);
    else wishes.set(key, { before, at: Date.now(), shown });
  });
}

async function applyScale(app: string, wish: ScaleWish): Promise<void> {
  updateOpen(app, ({ formation }) => ({
    formation: formation?.map((entry) => (entry.type === wish.type ? { ...entry, ...wish } : entry)) ?? null,
  }));
  try {
    const { formation } = await call('formation.update', { app, updates: [wish] });
    updateOpen(app, () => ({ formation }));
  } catch (error) {
    const { formation } = await call('formation.get', { app });
    updateOpen(app, () => ({ formation }));
    throw error;
  }
}

function undoScale(
  app: string,
  before: FormationEntry,
  wish: ScaleWish,
  onUndo: () => void,
): () => Promise<void> {
  const old: ScaleWish = {
    type: wish.type,
    ...(wish.quantity === undefined ? {} : { quantity: before.quantity }),
    ...(wish.size === undefined ? {} : { size: before.size }),
  };
  return async () => {
    onUndo();
    await attempt(`${wish.type} of ${app} was not scaled back`, async () => {
      await applyScale(app, old);
      toast(`${app}: ${scaleText(undefined, old)} again`);
    });
  };
}

function scaleText(before: FormationEntry | undefined, wish: ScaleWish): string {
  if (wish.size !== undefined) return `${wish.type} runs as ${wish.size}`;
  const from = before === undefined || before.quantity === wish.quantity ? '' : `${before.quantity} → `;
  return `${from}${count(wish.quantity ?? 0, `${wish.type} dyno`)}`;
}

/** Asks whether to roll back to a version, showing what will change; null takes the question back. */
export function askRollback(app: string, version: number | null): void {
  updateOpen(app, () => ({ rollbackTo: version }));
}

/** Makes a new release from an old one; undo goes back to the one before. */
export function rollback(app: string, version: number): Promise<boolean> {
  const current = useWorld.getState().open?.releases?.find((release) => release.current)?.version;
  return attempt(`${app} was not rolled back`, async () => {
    const release = await call('releases.rollback', { app, version });
    const undo =
      current === undefined
        ? null
        : async () => {
            await rollback(app, current);
          };
    done(app, `${app}: v${release.version} is a rollback to v${version}`, undo);
  });
}

/** Runs the command of a failed release again, as a new release. */
export function retryRelease(app: string, version: number): Promise<boolean> {
  return attempt(`v${version} of ${app} was not tried again`, async () => {
    const release = await call('releases.retry', { app, version });
    done(app, `${app}: v${release.version} tries v${version} again`, null);
  });
}

/** Restarts every dyno of the app, or one of them. */
export function restart(app: string, dyno?: string): Promise<boolean> {
  const what = dyno ?? 'all dynos';
  return attempt(`${what} of ${app} did not restart`, async () => {
    await call('dynos.restart', { app, ...(dyno === undefined ? {} : { dyno }) });
    done(app, `${app}: ${what} restarting`, null);
  });
}

/** Changes options of the app; shown at once, corrected by the answer. */
export function setAppOptions(app: string, change: Partial<AppOptions>): Promise<boolean> {
  return changeApp(
    app,
    `The options of ${app} were not changed`,
    (before) => ({ ...before, options: { ...before.options, ...change } }),
    () => call('apps.update', { app, ...change }),
  );
}

/** Chooses the stack of an app's next deploys; shown at once. */
export function setStack(app: string, stack: StackName): Promise<boolean> {
  return changeApp(
    app,
    `The stack of ${app} was not changed`,
    (before) => ({ ...before, stack }),
    () => call('apps.setStack', { app, stack }),
  );
}

/** Shows a change of an app at once, and then what the engine made of it. */
function changeApp(
  app: string,
  problem: string,
  expected: (before: App) => App,
  change: () => Promise<App>,
): Promise<boolean> {
  const show = (changed: (before: App) => App): void => {
    useWorld.setState(({ apps }) => ({
      apps: apps?.map((each) => (each.name === app ? changed(each) : each)) ?? null,
    }));
  };
  return attempt(problem, async () => {
    show(expected);
    try {
      const answer = await change();
      show(() => answer);
    } catch (error) {
      const known = await call('apps.get', { app });
      show(() => known);
      throw error;
    }
  });
}

/** Ends a build; nothing of it stays when it has not been released. */
export function cancelBuild(app: string, build: string): Promise<boolean> {
  return attempt(`The deploy of ${app} was not cancelled`, async () => {
    await call('builds.cancel', { app, build });
  });
}

/** Removes the app and everything of it. */
export function destroyApp(app: string): Promise<boolean> {
  return attempt(`${app} was not destroyed`, async () => {
    await call('apps.destroy', { app, confirm: app });
    useWorld.setState({ open: null });
    go('/apps');
    toast(`${app} is destroyed`);
  });
}

/** Changes config vars as one release; undo sets the values from before. */
export function changeConfig(
  app: string,
  change: Readonly<Record<string, string | null>>,
  before: Readonly<Record<string, string>>,
): Promise<boolean> {
  return attempt(`Config vars of ${app} were not changed`, async () => {
    const { release } = await call('config.update', { app, change });
    if (release === null) return;
    const old = Object.fromEntries(Object.keys(change).map((name) => [name, before[name] ?? null]));
    done(app, `${app} v${release.version}: ${release.description}`, async () => {
      await attempt(`Config vars of ${app} were not set back`, async () => {
        await call('config.update', { app, change: old });
      });
    });
  });
}
