import { SlipwayError } from '#shared/errors.ts';
import { columns, type Command } from '../command.ts';
import { readStack } from './stack.ts';

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
  usage: 'create [NAME] [--stack STACK]',
  summary: 'make an app',
  async run({ client, words, options, write }) {
    const name = words[0] === undefined ? {} : { name: words[0] };
    const chosen = options.stack === undefined ? {} : { stack: readStack(options.stack) };
    const app = await client.call('apps.create', { ...name, ...chosen });
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
