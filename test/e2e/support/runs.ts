import type { RunEvent } from '#shared/model/run.ts';
import type { Host } from './host.ts';

/** Size of the terminals of commands that tests run. */
export const SIZE = { columns: 91, rows: 33 };

/** A command that has ended. */
export interface EndedRun {
  readonly events: readonly RunEvent[];
  /** What it printed. */
  readonly text: string;
  /** Exit code, or null when something else came last. */
  readonly code: number | null;
}

/** Runs a command to its end, in a one-off dyno or inside `dyno`. */
export async function runToEnd(
  host: Pick<Host, 'client'>,
  order: { readonly app: string; readonly command: string; readonly dyno?: string; readonly size?: string },
): Promise<EndedRun> {
  const events: RunEvent[] = [];
  for await (const items of host.client.open('runs.open', { ...SIZE, ...order })) events.push(...items);
  const text = events.map((event) => (event.kind === 'output' ? event.text : '')).join('');
  const last = events.at(-1);
  return { events, text, code: last?.kind === 'exit' ? last.code : null };
}
