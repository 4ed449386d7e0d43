import type { Client } from '#shared/contract/client.ts';
import { SlipwayError } from '#shared/errors.ts';
import type { EngineLink } from './engine-link.ts';

/** Options that commands share; a command reads the ones it has in its usage. */
export interface Options {
  readonly app?: string;
  readonly confirm?: string;
  readonly tail?: boolean;
  readonly num?: string;
  readonly source?: string;
  readonly ps?: string;
  readonly detached?: boolean;
  readonly size?: string;
  readonly index?: string;
  readonly stack?: string;
  readonly 'clear-cache'?: boolean;
  readonly start?: boolean;
  readonly help?: boolean;
}

/** What a command works with. */
export interface CommandContext {
  readonly link: EngineLink;
  readonly client: Client;
  /** Words behind the command's name. */
  readonly words: readonly string[];
  readonly options: Options;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Standard output. */
  readonly write: (text: string) => void;
  /** Sets the exit code of the command line; 0 unless set. */
  readonly exitWith: (code: number) => void;
}

/** One command of `slipway`. */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  /** @throws SlipwayError whose message is for the user */
  run(context: CommandContext): Promise<void>;
}

/** The app that a command is about: --app, else HEROKU_APP or SLIPWAY_APP, else the only one there is. */
export async function chosenApp({ client, options, env }: CommandContext): Promise<string> {
  const named = options.app ?? env['SLIPWAY_APP'] ?? env['HEROKU_APP'];
  if (named !== undefined && named !== '') return named;
  const { apps } = await client.call('apps.list', {});
  const [only, ...others] = apps;
  if (only !== undefined && others.length === 0) return only.name;
  throw new SlipwayError(
    'invalid_params',
    apps.length === 0
      ? 'There is no app yet. Deploy a folder first: slipway deploy FOLDER.'
      : `Say which app with --app: ${apps.map((app) => app.name).join(', ')}.`,
  );
}

/** Lines of cells as columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
