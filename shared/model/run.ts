import * as z from 'zod';

/** The process type of one-off dynos (reference: heroku-platform 3.10). */
export const RUN_TYPE = 'run';

/** True for the name of a one-off dyno: four digits, which no dyno of a process type called `run` reaches. */
export function isRunName(name: string): boolean {
  return /^run\.\d{4}$/.test(name);
}

/** Longest life of a one-off dyno in seconds (reference: heroku-platform 3.2). */
export const MAX_TIME_TO_LIVE = 86_400;

/** A one-off dyno as people see it. */
export const OneOffDyno = z.object({
  /** Unique for ever. */
  id: z.string(),
  /** `run.1234` */
  name: z.string(),
  /** What runs, with the command of a process type in the place of its name. */
  command: z.string(),
  /** `stopping` is ours, between the first signal and the end. */
  state: z.enum(['starting', 'up', 'stopping']),
  /** Whether it has a terminal; else its output goes into the app's log. */
  attached: z.boolean(),
  size: z.string(),
  /** Release that it runs. */
  release: z.number().int(),
  /** ISO 8601. */
  startedAt: z.string(),
});
export type OneOffDyno = z.infer<typeof OneOffDyno>;

/** What a one-off dyno tells its terminal (reference: heroku-platform 3.7). */
export const RunEvent = z.discriminatedUnion('kind', [
  /** `run` names it in `runs.input` and `runs.resize`; `dyno` is its name, `run.1234`, or that of the dyno it is inside. */
  z.object({ kind: z.literal('started'), run: z.string(), dyno: z.string(), release: z.number().int() }),
  /** Bytes of the terminal as text; a character is never cut. */
  z.object({ kind: z.literal('output'), text: z.string() }),
  /** The last event: 128 + signal number when a signal ended it. */
  z.object({ kind: z.literal('exit'), code: z.number().int() }),
]);
export type RunEvent = z.infer<typeof RunEvent>;
