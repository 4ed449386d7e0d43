import { StringDecoder } from 'node:string_decoder';
import type { Client } from '#shared/contract/client.ts';
import type { InputOf } from '#shared/contract/contract.ts';
import { SlipwayError } from '#shared/errors.ts';
import { chosenApp, type Command, type CommandContext } from '../command.ts';

/** Most bytes in one call; far below what the contract takes. */
const PIECE = 10_000;
/** Size of a terminal that has none. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };
/** What a terminal makes the end of the input of. */
const END_OF_INPUT = '\x04';
const NEW_LINE = 0x0a;

/** `run`: a command in a one-off dyno, with this terminal as its own (reference: heroku-platform 3.10). */
export const run: Command = {
  usage: 'run [--app NAME] [--size SIZE] [--detached] COMMAND …',
  summary:
    'run a command in a one-off dyno; detached: without a terminal, its output goes into the log; put -- before a command with options of these names',
  async run(context) {
    if (context.options.detached === true) {
      await runDetached.run(context);
      return;
    }
    const command = commandOf(context.words, this.usage);
    const app = await chosenApp(context);
    const open = { app, command, ...sizeOf(), ...dynoSizeOf(context) };
    await onThisTerminal(context, open, (dyno) => `Running ${command} on ${app}... up, ${dyno}\n`);
  },
};

/** `run:detached`: a command in a one-off dyno without a terminal. */
export const runDetached: Command = {
  usage: 'run:detached [--app NAME] [--size SIZE] COMMAND …',
  summary: 'the same as run --detached',
  async run(context) {
    const command = commandOf(context.words, this.usage);
    const app = await chosenApp(context);
    const { name } = await context.client.call('runs.start', { app, command, ...dynoSizeOf(context) });
    const logs = `slipway logs --tail --ps ${name} --app ${app}`;
    context.write(`Running ${command} on ${app}... done, ${name}\nRun ${logs} to view the output.\n`);
  },
};

/** `run:inside`: a command inside a dyno that runs, with this terminal as its own. */
export const runInside: Command = {
  usage: 'run:inside DYNO [--app NAME] COMMAND …',
  summary: 'run a command inside a dyno that runs, for example web.1',
  async run(context) {
    const [dyno, ...words] = context.words;
    const command = commandOf(words, this.usage);
    const app = await chosenApp(context);
    if (context.options.detached === true || context.options.size !== undefined) {
      const text = 'A command inside a dyno has its size and this terminal: leave out --size and --detached.';
      throw new SlipwayError('invalid_params', text);
    }
    const open = { app, command, ...sizeOf(), ...(dyno === undefined ? {} : { dyno }) };
    await onThisTerminal(context, open, (name) => `Running ${command} inside ${name} on ${app}... up\n`);
  },
};

/** @param up what to say once it runs */
async function onThisTerminal(
  { client, signal, write, exitWith }: CommandContext,
  order: InputOf<'runs.open'>,
  up: (dyno: string) => string,
): Promise<void> {
  let terminal: Disposable | null = null;
  try {
    for await (const items of client.open('runs.open', order, signal)) {
      for (const item of items) {
        if (item.kind === 'output') write(item.text);
        else if (item.kind === 'exit') exitWith(item.code);
        else {
          process.stderr.write(up(item.dyno));
          terminal = connectTerminal(client, item.run);
        }
      }
    }
  } finally {
    terminal?.[Symbol.dispose]();
  }
}

function dynoSizeOf({ options }: CommandContext): { size?: string } {
  return options.size === undefined ? {} : { size: options.size };
}

/** One word is taken as it stands, so that it may be a whole line of bash; of several each stays one word. */
function commandOf(words: readonly string[], usage: string): string {
  const [only, ...others] = words;
  if (only === undefined || (others.length === 0 && only.trim() === '')) {
    throw new SlipwayError('invalid_params', `Say what to run: slipway ${usage}`);
  }
  return others.length === 0 ? only : words.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function sizeOf(): { columns: number; rows: number } {
  const { columns, rows } = process.stdout;
  const within = (size: number | undefined, other: number): number => {
    return size === undefined || size < 1 ? other : Math.min(size, 1_000);
  };
  return { columns: within(columns, DEFAULT_SIZE.columns), rows: within(rows, DEFAULT_SIZE.rows) };
}

/** Connects keyboard and size of this terminal with a one-off dyno, until disposed. Standard input that is no terminal is typed. */
function connectTerminal(client: Client, id: string): Disposable {
  const { stdin, stdout } = process;
  // The dyno may end at any time; the stream tells of that, and what is typed then is lost.
  const ignore = (): undefined => undefined;
  const decoder = new StringDecoder('utf8');
  const type = (text: string): void => {
    if (text !== '') client.call('runs.input', { run: id, text }).catch(ignore);
  };
  let unfinished = false;
  const onData = (bytes: Buffer): void => {
    unfinished = bytes.at(-1) !== NEW_LINE;
    for (let at = 0; at < bytes.length; at += PIECE) type(decoder.write(bytes.subarray(at, at + PIECE)));
  };
  // A terminal takes the end of the input at the beginning of a line only.
  const onEnd = (): void => {
    if (!stdin.isTTY) type(`${decoder.end()}${unfinished ? '\n' : ''}${END_OF_INPUT}`);
  };
  const onResize = (): void => {
    client.call('runs.resize', { run: id, ...sizeOf() }).catch(ignore);
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', onData).on('end', onEnd).on('error', ignore);
  stdout.on('resize', onResize);
  return {
    [Symbol.dispose]: () => {
      stdin.off('data', onData).off('end', onEnd);
      stdout.off('resize', onResize);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.destroy();
    },
  };
}
