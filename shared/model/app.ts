import * as z from 'zod';
import { AppName, ProcessType } from './names.ts';
import { AppOptions } from './options.ts';

/** State of one dyno (reference: heroku-platform 3.1; `stopping` is ours, between SIGTERM and the end). */
export const DynoState = z.enum(['starting', 'up', 'idle', 'crashed', 'stopping', 'down']);
export type DynoState = z.infer<typeof DynoState>;

/** One dyno as people see it. */
export const Dyno = z.object({
  /** Unique for ever; a restarted dyno is a new one. */
  id: z.string(),
  name: z.string(),
  type: ProcessType,
  state: DynoState,
  /** Release that it runs. */
  release: z.number().int(),
  size: z.string(),
  command: z.string(),
  /** When it came into its state, ISO 8601. */
  updatedAt: z.string(),
  /** Why it crashed, in plain words. */
  reason: z.string().optional(),
  /** When the next start is due after a crash, ISO 8601. */
  nextStartAt: z.string().optional(),
});
export type Dyno = z.infer<typeof Dyno>;

/** How many dynos of one process type shall run, and how large. */
export const FormationEntry = z.object({
  type: ProcessType,
  command: z.string(),
  quantity: z.number().int().min(0),
  size: z.string(),
});
export type FormationEntry = z.infer<typeof FormationEntry>;

/** State of an app in one word: `blank` has no code, `off` has no dynos wanted, `asleep` waits for a request, `down` wants dynos and has none up. */
export const AppState = z.enum(['blank', 'off', 'asleep', 'starting', 'up', 'crashed', 'down']);
export type AppState = z.infer<typeof AppState>;

/** An app, as lists show it. */
export const App = z.object({
  id: z.string(),
  name: AppName,
  /** What its next build uses; releases may have been built on others. */
  stack: z.string(),
  createdAt: z.string(),
  /** Where the router serves it. */
  webUrl: z.string(),
  state: AppState,
  /** Version of the current release; the newest one that succeeded. */
  release: z.number().int(),
  /** Dynos that are up, and wanted, over all types. */
  dynosUp: z.number().int(),
  dynosWanted: z.number().int(),
  /** Folder of the last deploy, for "deploy again". */
  folder: z.string().nullable(),
  options: AppOptions,
});
export type App = z.infer<typeof App>;
