import { SlipwayError } from '#shared/errors.ts';
import { chosenApp, columns, type Command } from '../command.ts';

/** `apps`: all apps. */
export const apps: Command = {
  usage: 'apps',
  summary: 'list the apps',
  async run({ client, write }) {
    const found = (await client.call('apps.list', {})).apps;
    if (found.length === 0) write('You have no apps. Deploy a folder: slipway deploy FOLDER\n');
    const rows = found.map((app) => [
      ...[app.name, app.state, `v${app.release}`],
      ...[`${app.dynosUp}/${app.dynosWanted} dynos`, app.webUrl],
    ]);
    write(columns(rows));
  },
};

/** `create`: an app without code. */
export const create: Command = {
  usage: 'create [NAME]',
  summary: 'make an app',
  async run({ client, words, write }) {
    const app = await client.call('apps.create', words[0] === undefined ? {} : { name: words[0] });
    write(`Creating ${app.name}... done\n${app.webUrl}\n`);
  },
};

/** `destroy`: an app with every trace of it. */
export const destroy: Command = {
  usage: 'destroy APP --confirm APP',
  summary: 'remove an app with its releases, config, log and files',
  async run({ client, words, options, write }) {
    const app = words[0] ?? options.app;
    if (app === undefined || options.confirm === undefined) {
      throw new SlipwayError(
        'invalid_params',
        'Nothing was destroyed. Say it twice: slipway destroy APP --confirm APP.',
      );
    }
    await client.call('apps.destroy', { app, confirm: options.confirm });
    write(`Destroying ${app}... done\n`);
  },
};

/** `ps`: the dynos of an app. */
export const ps: Command = {
  usage: 'ps [--app NAME]',
  summary: 'list the dynos',
  async run(context) {
    const app = await chosenApp(context);
    const [{ formation }, { dynos }] = await Promise.all([
      context.client.call('formation.get', { app }),
      context.client.call('dynos.list', { app }),
    ]);
    for (const { type, size, command, quantity } of formation) {
      context.write(`=== ${type} (${size}): ${command} (${quantity})\n`);
      const own = dynos.filter((dyno) => dyno.type === type);
      for (const dyno of own) {
        const reason = dyno.reason === undefined ? '' : ` (${dyno.reason})`;
        context.write(`${dyno.name}: ${dyno.state} ${dyno.updatedAt} v${dyno.release}${reason}\n`);
      }
      context.write('\n');
    }
    if (formation.length === 0) context.write(`No process types on ${app}. Deploy a folder first.\n`);
  },
};

/** `scale`: how many dynos of each process type, and how large. */
export const scale: Command = {
  usage: 'scale [--app NAME] TYPE=N[:SIZE] TYPE+N …',
  summary: 'change the number and size of dynos; without words show them',
  async run(context) {
    const app = await chosenApp(context);
    const { client, words, write } = context;
    if (words.length === 0) {
      const { formation } = await client.call('formation.get', { app });
      write(`${formation.map((each) => `${each.type}=${each.quantity}:${each.size}`).join(' ')}\n`);
      return;
    }
    const updates = words.map(parseScale);
    const { formation } = await client.call('formation.update', { app, updates });
    const now = formation
      .filter((each) => updates.some((update) => update.type === each.type))
      .map((each) => `${each.type} at ${each.quantity}:${each.size}`);
    write(`Scaling dynos... done, now running ${now.join(', ')}\n`);
  },
};

/** Reads `web=3:Standard-2X` or `worker+1` (reference: heroku-platform 6.4). */
function parseScale(word: string): { type: string; quantity: string; size?: string } {
  const [, type, sign, number, size] = /^([\w-]+)([=+-])(\d+)(?::([\w-]+))?$/.exec(word) ?? [];
  if (type === undefined || number === undefined) {
    throw new SlipwayError(
      'invalid_params',
      `"${word}" is not a scale. Write web=3, web+1 or web=2:Standard-2X.`,
    );
  }
  return {
    type,
    quantity: sign === '=' ? number : `${sign ?? ''}${number}`,
    ...(size === undefined ? {} : { size }),
  };
}

/** `restart`: one dyno, the dynos of a type, or all. */
export const restart: Command = {
  usage: 'restart [web.1|web] [--app NAME]',
  summary: 'restart dynos without a gap',
  async run(context) {
    const app = await chosenApp(context);
    const [word] = context.words;
    const which = word === undefined ? {} : word.includes('.') ? { dyno: word } : { type: word };
    await context.client.call('dynos.restart', { app, ...which });
    context.write(`Restarting ${word ?? 'all dynos'} on ${app}... done\n`);
  },
};
