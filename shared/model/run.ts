import * as z from 'zod';

/** What a one-off dyno tells its terminal (reference: heroku-platform 3.7). */
export const RunEvent = z.discriminatedUnion('kind', [
  /** `run` names it in `runs.input` and `runs.resize`; `dyno` is its name, `run.1234`. */
  z.object({ kind: z.literal('started'), run: z.string(), dyno: z.string(), release: z.number().int() }),
  /** Bytes of the terminal as text; a character is never cut. */
  z.object({ kind: z.literal('output'), text: z.string() }),
  /** The last event: 128 + signal number when a signal ended it. */
  z.object({ kind: z.literal('exit'), code: z.number().int() }),
]);
export type RunEvent = z.infer<typeof RunEvent>;
