import { SlipwayError } from '#shared/errors.ts';
import { readArguments } from './arguments.ts';
import type { Command, Options } from './command.ts';
import { apps, create, destroy } from './commands/apps.ts';
import { buildpacks, purgeCache } from './commands/buildpacks.ts';
import { deploy } from './commands/deploy.ts';
import { logs } from './commands/logs.ts';
import { ps, psStop, restart, scale } from './commands/dynos.ts';
import { options } from './commands/options.ts';
import { config, releases, rollback } from './commands/releases.ts';
import { domains, https, maintenance, pages } from './commands/routing.ts';
import { run, runDetached, runInside } from './commands/run.ts';
import { stack } from './commands/stack.ts';
import { env, info, open } from './commands/system.ts';
import { connectEngine, type EngineLink } from './engine-link.ts';
import { startEngine } from './start-engine.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  ...{ deploy, apps, create, logs, run, ps, scale, restart, releases, rollback, config, options, destroy },
  ...{ info, open, env, buildpacks, stack, maintenance, domains, pages, https },
  ...{
    'run:detached': runDetached,
    'run:inside': runInside,
    'ps:stop': psStop,
    'builds:cache:purge': purgeCache,
  },
};

/** Runs one command line and says how it went as an exit code. */
async function main(args: string[]): Promise<number> {
  const parsed = readArguments(args);
  const [first = 'help', ...rest] = parsed.words;
  // `config:set` is `config` with a word, unless there is a command of the whole name.
  const [name = '', verb] = Object.hasOwn(COMMANDS, first) ? [first] : first.split(':');
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (name === 'help' || parsed.options.help === true) {
    process.stdout.write(help(command));
    return 0;
  }
  if (command === undefined)
    throw new SlipwayError('invalid_params', `There is no command "${name}". slipway help lists them.`);
  const abort = new AbortController();
  process.once('SIGINT', () => {
    abort.abort();
  });
  const link = await connect(parsed.options);
  let exitCode = 0;
  try {
    await command.run({
      link,
      client: link.client,
      words: verb === undefined ? rest : [verb, ...rest],
      options: parsed.options,
      env: process.env,
      signal: abort.signal,
      write: (text) => process.stdout.write(text),
      exitWith: (code) => {
        exitCode = code;
      },
    });
    return abort.signal.aborted ? 130 : exitCode;
  } finally {
    link.client.close();
  }
}

async function connect(options: Options): Promise<EngineLink> {
  if (options.start !== true) return connectEngine(process.env);
  return connectEngine(process.env).catch(async (error: unknown) => {
    if (!(error instanceof SlipwayError && error.code === 'unavailable')) throw error;
    await startEngine(process.env);
    return connectEngine(process.env);
  });
}

function help(command: Command | undefined): string {
  if (command !== undefined) return `slipway ${command.usage}\n  ${command.summary}\n`;
  const lines = Object.values(COMMANDS).map((each) => `  slipway ${each.usage}\n      ${each.summary}\n`);
  return `Slipway, a whole Heroku on your own desk.\n\n${lines.join('')}\n  --start starts the engine when none runs.\n`;
}

// Whoever read the output has enough of it, as `head` has.
process.stdout.on('error', () => process.exit(0));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SlipwayError)) throw error;
  console.error(` !     ${error.message}`);
  process.exitCode = 1;
}
