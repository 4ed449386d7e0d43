import type { Release } from '#shared/model/release.ts';
import { SlipwayError } from '#shared/errors.ts';
import { chosenApp, columns, type Command, type CommandContext } from '../command.ts';

/** How many releases `releases` shows (reference: heroku-platform 6.2). */
const SHOWN = 15;

/** `releases`: the ledger, newest first. */
export const releases: Command = {
  usage: 'releases [retry [vN]] [--app NAME] [-n N]',
  summary: 'list the releases, or run the command of a failed one again',
  async run(context) {
    const app = await chosenApp(context);
    const [verb, word] = context.words;
    if (verb === 'retry') return retry(context, app, word);
    if (verb !== undefined)
      throw new SlipwayError('invalid_params', `releases does not know "${verb}". Write: ${releases.usage}.`);
    const found = (await context.client.call('releases.list', { app })).releases;
    const current = found.find((release) => release.current);
    context.write(`=== ${app} Releases - Current: v${current?.version ?? 0}\n`);
    const rows = found
      .slice(0, Number(context.options.num ?? SHOWN))
      .map((each) => [`v${each.version}`, each.description + suffixOf(each), each.user, each.createdAt]);
    context.write(columns(rows));
  },
};

/** What stands behind the description of a release that is not simply in force (reference: heroku-platform 3.11). */
const SUFFIXES: Readonly<Record<Release['status'], string>> = {
  pending: ' release command executing',
  succeeded: '',
  failed: ' release command failed',
  expired: ' release expired',
};

function suffixOf({ status, problem }: Release): string {
  return problem === null ? SUFFIXES[status] : ` never came up: ${problem}`;
}

async function retry(
  { client, write }: CommandContext,
  app: string,
  word: string | undefined,
): Promise<void> {
  const version = versionOf(word);
  const release = await client.call('releases.retry', { app, ...(version === undefined ? {} : { version }) });
  write(
    `Retrying ${release.description.replace(/^Retry of (v\d+): .*$/s, '$1')} on ${app}... done, v${release.version}\n`,
  );
}

/** Reads `v7` or `7`; undefined stays so. */
function versionOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const [, version] = /^v?(\d{1,9})$/.exec(word) ?? [];
  if (version !== undefined) return Number(version);
  throw new SlipwayError('invalid_params', `"${word}" is not a release. Write v7.`);
}

/** `rollback`: a new release from an old one. */
export const rollback: Command = {
  usage: 'rollback [vN] [--app NAME]',
  summary: 'go back to the code and config of a release',
  async run(context) {
    const app = await chosenApp(context);
    const version = versionOf(context.words[0]);
    const before = (await context.client.call('apps.get', { app })).release;
    const release = await context.client.call('releases.rollback', {
      app,
      ...(version === undefined ? {} : { version }),
    });
    const target = release.description.replace('Rollback to ', '');
    context.write(`Rolling back ${app} to ${target}... done, v${release.version}\n`);
    context.write(`Rollback affects code and config vars; to undo, run: slipway rollback v${before}\n`);
  },
};

/** `config`: show, set and unset config vars. */
export const config: Command = {
  usage: 'config [set KEY=VALUE … | unset KEY … | get KEY] [--app NAME]',
  summary: 'show or change config vars; a change makes a release',
  async run(context) {
    const app = await chosenApp(context);
    const [verb, ...words] = context.words;
    if (verb === undefined) return show(context, app);
    if (verb === 'get') return get(context, app, words[0] ?? '');
    if (verb === 'set') return change(context, app, Object.fromEntries(words.map(parsePair)), 'Setting');
    if (verb === 'unset')
      return change(context, app, Object.fromEntries(words.map((name) => [name, null])), 'Unsetting');
    throw new SlipwayError('invalid_params', `config does not know "${verb}". Write: ${config.usage}.`);
  },
};

async function show({ client, write }: CommandContext, app: string): Promise<void> {
  const { vars } = await client.call('config.get', { app });
  write(`=== ${app} Config Vars\n`);
  write(columns(Object.entries(vars).map(([name, value]) => [`${name}:`, value])));
}

async function get({ client, write }: CommandContext, app: string, name: string): Promise<void> {
  const { vars } = await client.call('config.get', { app });
  write(`${vars[name] ?? ''}\n`);
}

async function change(
  { client, write }: CommandContext,
  app: string,
  wanted: Record<string, string | null>,
  verb: string,
): Promise<void> {
  const names = Object.keys(wanted);
  if (names.length === 0)
    throw new SlipwayError('invalid_params', `Name at least one config var: ${config.usage}.`);
  const { release } = await client.call('config.update', { app, change: wanted });
  const result = release === null ? 'done, nothing changed' : `done, v${release.version}`;
  write(`${verb} ${names.join(', ')} and restarting ${app}... ${result}\n`);
}

function parsePair(word: string): [string, string] {
  const at = word.indexOf('=');
  if (at < 1) throw new SlipwayError('invalid_params', `"${word}" is not KEY=VALUE.`);
  return [word.slice(0, at), word.slice(at + 1)];
}
