import { SlipwayError } from '#shared/errors.ts';
import type { AppBuildpacks } from '#shared/model/buildpack.ts';
import { chosenApp, type Command, type CommandContext } from '../command.ts';

/** `buildpacks`: which buildpacks an app uses, in their order. */
export const buildpacks: Command = {
  usage: 'buildpacks [set BUILDPACK | add BUILDPACK | remove [BUILDPACK] | clear] [--index N] [--app NAME]',
  summary: 'show or change the buildpacks of an app; a name, git URL (#ref), .tgz URL or folder each',
  async run(context) {
    const app = await chosenApp(context);
    const [verb, word] = context.words;
    if (verb === undefined) return show(context, app);
    const change = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (change === undefined)
      throw new SlipwayError(
        'invalid_params',
        `buildpacks does not know "${verb}". Write: ${buildpacks.usage}.`,
      );
    const { done, list } = await change(context, app, word);
    context.write(`${done}. ${next(app, list)}`);
  },
};

type Change = (
  context: CommandContext,
  app: string,
  word: string | undefined,
) => Promise<{ readonly done: string; readonly list: AppBuildpacks }>;

const VERBS: Readonly<Record<string, Change>> = {
  set: async (context, app, word) => {
    const index = indexOf(context) ?? 1;
    const before = (await context.client.call('buildpacks.list', { app })).buildpacks;
    if (index > before.length + 1)
      throw new SlipwayError('invalid_params', `Invalid index. ${app} has ${before.length} buildpacks.`);
    const wanted = before.toSpliced(index - 1, 1, named(word));
    return {
      done: 'Buildpack set',
      list: await context.client.call('buildpacks.set', { app, buildpacks: wanted }),
    };
  },
  add: async (context, app, word) => {
    const index = indexOf(context);
    const order = { app, buildpack: named(word), ...(index === undefined ? {} : { index }) };
    return { done: 'Buildpack added', list: await context.client.call('buildpacks.add', order) };
  },
  remove: async (context, app, word) => {
    const index = indexOf(context);
    const which = index === undefined ? { buildpack: named(word) } : { index };
    return {
      done: 'Buildpack removed',
      list: await context.client.call('buildpacks.remove', { app, ...which }),
    };
  },
  clear: async ({ client }, app) => ({
    done: 'Buildpacks cleared',
    list: await client.call('buildpacks.clear', { app }),
  }),
};

async function show({ client, write }: CommandContext, app: string): Promise<void> {
  const { buildpacks: list, override, detected } = await client.call('buildpacks.list', { app });
  if (override !== null) write(`The config var BUILDPACK_URL is used in their place: ${override}\n`);
  if (list.length === 0) {
    const found =
      detected === null
        ? 'its next build finds one by its files'
        : `its builds use ${detected}, as the first found`;
    write(`${app} has no buildpack set; ${found}.\n`);
    return;
  }
  write(`=== ${app} Buildpack${list.length === 1 ? '' : 's'}\n${numbered(list)}`);
}

function next(app: string, { buildpacks: list, override }: AppBuildpacks): string {
  const still =
    override === null ? '' : `The config var BUILDPACK_URL is still set and is used for the next release.\n`;
  const [only] = list;
  if (only === undefined) return `Next release on ${app} will detect buildpacks normally.\n${still}`;
  if (list.length === 1) return `Next release on ${app} will use ${only}.\n${still}`;
  return `Next release on ${app} will use:\n${numbered(list)}${still}`;
}

function numbered(list: readonly string[]): string {
  return list.length === 1 ? `${list[0] ?? ''}\n` : list.map((each, at) => `  ${at + 1}. ${each}\n`).join('');
}

function named(word: string | undefined): string {
  if (word !== undefined) return word;
  throw new SlipwayError('invalid_params', `Name a buildpack. Write: ${buildpacks.usage}.`);
}

function indexOf({ options }: CommandContext): number | undefined {
  if (options.index === undefined) return undefined;
  if (/^[1-9]\d{0,2}$/.test(options.index)) return Number(options.index);
  throw new SlipwayError(
    'invalid_params',
    'Invalid index. --index is the number of a buildpack; the first is 1.',
  );
}

/** `builds:cache:purge`: the next build starts as the first did. */
export const purgeCache: Command = {
  usage: 'builds:cache:purge [--app NAME]',
  summary: 'empty the build cache of an app',
  async run(context) {
    const app = await chosenApp(context);
    await context.client.call('builds.purgeCache', { app });
    context.write(`Purging the build cache of ${app}... done\n`);
  },
};
