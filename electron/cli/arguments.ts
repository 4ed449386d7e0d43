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
  detached: { type: 'boolean' },
  size: { type: 'string' },
  index: { type: 'string', short: 'i' },
  stack: { type: 'string' },
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
  const name = args[at] ?? '';
  if (!/^run(:|$)/.test(name)) return parse(args);
  const before = parse(args.slice(0, at));
  const { words, options } = readRun(args.slice(at + 1));
  return { words: [name, ...words], options: { ...before.options, ...options } };
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

/** Options of `run` that take the next word, anywhere and before the command. */
const WITH_VALUE = { anywhere: ['-a', '--app'], before: ['--size'] };
/** The others. */
const ALONE = { anywhere: /^(--start$|--app=)/, before: /^--(detached$|size=)/ };

/**
 * Splits what stands behind `run` into its own options and the command. --app and --start may stand behind the command as well:
 * `slipway run bash -c ls --app shop` is meant as it reads. Behind `--` nothing is an option of `run`.
 */
function readRun(args: readonly string[]): Arguments {
  const words: string[] = [];
  const own: string[] = [];
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  for (let at = 0; at < end; at += 1) {
    const arg = args[at] ?? '';
    const first = words.length === 0;
    if (WITH_VALUE.anywhere.includes(arg) || (first && WITH_VALUE.before.includes(arg))) {
      own.push(arg, ...args.slice(at + 1, Math.min(at + 2, end)));
      at += 1;
    } else if (ALONE.anywhere.test(arg) || (first && ALONE.before.test(arg))) own.push(arg);
    else if (first && arg.startsWith('-')) return parse(args);
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
