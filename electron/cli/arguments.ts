import { parseArgs } from 'node:util';
import { SlipwayError } from '#shared/errors.ts';
import type { Options } from './command.ts';

const OPTIONS = {
  app: { type: 'string', short: 'a' },
  confirm: { type: 'string', short: 'c' },
  tail: { type: 'boolean', short: 't' },
  num: { type: 'string', short: 'n' },
  source: { type: 'string', short: 's' },
  ps: { type: 'string', short: 'p' },
  'clear-cache': { type: 'boolean' },
  start: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** A command line: the command's name first, then its words. */
export interface Arguments {
  readonly words: readonly string[];
  readonly options: Options;
}

/** Reads a command line. @throws SlipwayError `invalid_params` naming the option */
export function readArguments(args: readonly string[]): Arguments {
  const at = firstWord(args);
  if (args[at] !== 'run') return parse(args);
  const before = parse(args.slice(0, at));
  const { words, options } = readRun(args.slice(at + 1));
  return { words: ['run', ...words], options: { ...before.options, ...options } };
}

/** Where the command's name is. */
function firstWord(args: readonly string[]): number {
  const { tokens } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return tokens.find((token) => token.kind === 'positional')?.index ?? args.length;
}

/**
 * Splits what stands behind `run` into its own options, --app and --start, and the command. `slipway run bash -c ls --app shop` is meant as it
 * reads; behind `--` nothing is an option of `run`.
 */
function readRun(args: readonly string[]): Arguments {
  const words: string[] = [];
  const own: string[] = [];
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  for (let at = 0; at < end; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '-a' || arg === '--app') {
      own.push(arg, ...args.slice(at + 1, Math.min(at + 2, end)));
      at += 1;
    } else if (arg === '--start' || arg.startsWith('--app=')) own.push(arg);
    else if (words.length === 0 && arg.startsWith('-')) return parse(args);
    else words.push(arg);
  }
  const { options } = parse(own);
  return { words: [...words, ...args.slice(end + 1)], options };
}

function parse(args: readonly string[]): Arguments {
  try {
    const { positionals, values } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    return { words: positionals, options: values };
  } catch (error) {
    // The first sentence names the option; what follows is advice on other command lines than ours.
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s/);
    throw new SlipwayError(
      'invalid_params',
      `${reason.replace(/\.$/, '')}. slipway help lists the options; put -- before words that are none.`,
    );
  }
}
