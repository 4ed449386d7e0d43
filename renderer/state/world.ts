import { create } from 'zustand';
import type { SystemInfo } from '#shared/contract/contract.ts';
import type { App, Dyno, FormationEntry } from '#shared/model/app.ts';
import type { LogRecord } from '#shared/model/log.ts';
import type { Release } from '#shared/model/release.ts';

/** Most log records of the open app that the UI keeps. */
const MAX_RECORDS = 5_000;

/** Everything that the screens show. Functions beside it change it; components only read. */
export interface World {
  readonly connection: 'connecting' | 'open' | 'lost';
  readonly system: SystemInfo | null;
  /** Null until the first answer. */
  readonly apps: readonly App[] | null;
  /** The app whose screen is open, with what belongs to it. */
  readonly open: OpenApp | null;
  /** The last thing that failed, in plain words. */
  readonly problem: string | null;
}

/** What the screen of one app shows. */
export interface OpenApp {
  readonly name: string;
  readonly formation: readonly FormationEntry[];
  readonly dynos: readonly Dyno[];
  readonly releases: readonly Release[];
  readonly log: readonly LogRecord[];
}

export const useWorld = create<World>(() => ({
  connection: 'connecting',
  system: null,
  apps: null,
  open: null,
  problem: null,
}));

/** Changes what belongs to the open app; nothing happens when another one is open by now. */
export function updateOpen(name: string, change: (open: OpenApp) => Partial<OpenApp>): void {
  useWorld.setState(({ open }) => (open?.name === name ? { open: { ...open, ...change(open) } } : {}));
}

/** Adds log records behind the ones that are there; the oldest go. */
export function appendLog(name: string, records: readonly LogRecord[]): void {
  updateOpen(name, ({ log }) => ({ log: [...log, ...records].slice(-MAX_RECORDS) }));
}
