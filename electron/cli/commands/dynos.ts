import { SlipwayError } from '#shared/errors.ts';
import { chosenApp, type Command } from '../command.ts';

/** `ps`: the dynos of an app. */
export const ps: Command = {
  usage: 'ps [--app NAME]',
  summary: 'list the dynos, one-off dynos as well',
  async run(context) {
    const app = await chosenApp(context);
    const [{ formation }, { dynos }, { runs }] = await Promise.all([
      context.client.call('formation.get', { app }),
      context.client.call('dynos.list', { app }),
      context.client.call('runs.list', { app }),
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
    if (runs.length > 0) context.write(`=== run: one-off processes (${runs.length})\n`);
    for (const { name, size, state, startedAt, release, command } of runs)
      context.write(`${name} (${size}): ${state} ${startedAt} v${release}: ${command}\n`);
    if (runs.length > 0) context.write('\n');
    if (formation.length === 0) context.write(`No process types on ${app}. Deploy a folder first.\n`);
  },
};

/** `ps:stop`: ends a one-off dyno. */
export const psStop: Command = {
  usage: 'ps:stop run.1234 [--app NAME]',
  summary: 'end a one-off dyno',
  async run(context) {
    const app = await chosenApp(context);
    const [dyno] = context.words;
    if (dyno === undefined)
      throw new SlipwayError('invalid_params', 'Say which: slipway ps:stop run.1234. slipway ps lists them.');
    await context.client.call('runs.stop', { app, dyno });
    context.write(`Stopping ${dyno} dyno on ${app}... done\n`);
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
