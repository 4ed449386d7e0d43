import { create } from 'zustand';
import type { SystemInfo } from '#shared/contract/contract.ts';
import type { App, Dyno, FormationEntry } from '#shared/model/app.ts';
import type { Build } from '#shared/model/build.ts';
import type { Release } from '#shared/model/release.ts';
import type { StatsSample } from '#shared/model/stats.ts';

/** Everything that the screens show but logs. Functions beside it change it; components only read. */
export interface World {
  readonly connection: 'connecting' | 'open' | 'lost';
  /** When everything was last read from the engine, milliseconds since the epoch. */
  readonly syncedAt: number | null;
  readonly system: SystemInfo | null;
  /** Null until the first answer. */
  readonly apps: readonly App[] | null;
  readonly stats: StatsSample | null;
  /** The newest build of an app that changed since the UI was opened, by app id. */
  readonly builds: Readonly<Record<string, Build>>;
  /** What is known of the app whose screen is open. */
  readonly open: OpenApp | null;
  readonly tasks: readonly Task[];
  readonly deeds: readonly Deed[];
}

/** What the screens of one app show; null until the first answer. */
export interface OpenApp {
  readonly name: string;
  readonly formation: readonly FormationEntry[] | null;
  readonly dynos: readonly Dyno[];
  readonly releases: readonly Release[] | null;
  /** Newest first. */
  readonly builds: readonly Build[];
  /** Version that a person is asked whether to roll back to, or null. */
  readonly rollbackTo: number | null;
}

/** Long work of this window, such as an upload. Builds are tasks of their own. */
export interface Task {
  readonly id: string;
  readonly title: string;
  /** From 0 to 1; null when it cannot be told. */
  readonly progress: number | null;
  /** Why it failed; null while it runs. */
  readonly problem: string | null;
  readonly cancel: (() => void) | null;
}

/** Something a person did in this window, newest first; what can be undone says how. */
export interface Deed {
  readonly id: number;
  readonly app: string;
  readonly at: number;
  readonly text: string;
  readonly undo: (() => Promise<void>) | null;
}

export const useWorld = create<World>(() => ({
  connection: 'connecting',
  syncedAt: null,
  system: null,
  apps: null,
  stats: null,
  builds: {},
  open: null,
  tasks: [],
  deeds: [],
}));

/** Changes what belongs to the open app; nothing happens when another one is open by now. */
export function updateOpen(name: string, change: (open: OpenApp) => Partial<OpenApp>): void {
  useWorld.setState(({ open }) => (open?.name === name ? { open: { ...open, ...change(open) } } : {}));
}

/** The app of that name, as it is known now. */
export function findApp(name: string): App | undefined {
  return useWorld.getState().apps?.find((app) => app.name === name);
}

/** Adds or changes a task. */
export function putTask(task: Task): void {
  useWorld.setState(({ tasks }) => {
    const others = tasks.filter((each) => each.id !== task.id);
    return { tasks: [...others, task] };
  });
}

/** Takes a task off the list. */
export function dropTask(id: string): void {
  useWorld.setState(({ tasks }) => ({ tasks: tasks.filter((task) => task.id !== id) }));
}

let lastDeed = 0;

/** Notes what a person did, so that the activity list can offer to undo it. */
export function noteDeed(app: string, text: string, undo: Deed['undo']): number {
  lastDeed += 1;
  const deed = { id: lastDeed, app, at: Date.now(), text, undo };
  useWorld.setState(({ deeds }) => ({ deeds: [deed, ...deeds].slice(0, 100) }));
  return deed.id;
}

/** Takes a deed off the list, because a later one stands for it too. */
export function dropDeed(id: number): void {
  useWorld.setState(({ deeds }) => ({ deeds: deeds.filter((deed) => deed.id !== id) }));
}

/** Undoes a deed once. */
export async function undoDeed(id: number): Promise<void> {
  const deed = useWorld.getState().deeds.find((each) => each.id === id);
  if (deed?.undo == null) return;
  useWorld.setState(({ deeds }) => ({
    deeds: deeds.map((each) =>
      each.id === id ? { ...each, undo: null, text: `${each.text} (undone)` } : each,
    ),
  }));
  await deed.undo();
}
