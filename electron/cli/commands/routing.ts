import { SlipwayError } from '#shared/errors.ts';
import { resolvesByItself } from '#shared/model/domain.ts';
import type { HttpsStatus } from '#shared/model/https.ts';
import type { CustomPage } from '#shared/model/pages.ts';
import { chosenApp, columns, type Command, type CommandContext } from '../command.ts';

/** `maintenance`: whether an app's requests get the page for maintenance. */
export const maintenance: Command = {
  usage: 'maintenance [on|off] [--app NAME]',
  summary: 'show or change whether an app is offline for maintenance; its dynos go on',
  async run(context) {
    const { client, words, write } = context;
    const app = await chosenApp(context);
    const [wish] = words;
    if (wish === undefined) {
      const { options } = await client.call('apps.get', { app });
      write(`${options.maintenance ? 'on' : 'off'}\n`);
      return;
    }
    if (wish !== 'on' && wish !== 'off')
      throw new SlipwayError('invalid_params', `Maintenance cannot be "${wish}". It may be on or off.`);
    await client.call('apps.update', { app, maintenance: wish === 'on' });
    write(`${wish === 'on' ? 'Enabling' : 'Disabling'} maintenance mode for ${app}... done\n`);
  },
};

/** `domains`: host names of an app beside NAME.localhost. */
export const domains: Command = {
  usage: 'domains [add|remove HOST] [--app NAME]',
  summary: 'show or change the host names of an app',
  async run(context) {
    const { client, words, write } = context;
    const app = await chosenApp(context);
    const [verb, hostname] = words;
    if (verb === undefined) await showDomains(context, app);
    else if (verb === 'add' && hostname !== undefined) {
      const added = await client.call('domains.add', { app, hostname });
      write(`Adding ${added.hostname} to ${app}... done\n${hint(added.hostname)}`);
    } else if (verb === 'remove' && hostname !== undefined) {
      const removed = await client.call('domains.remove', { app, domain: hostname });
      write(`Removing ${removed.hostname} from ${app}... done\n`);
    } else
      throw new SlipwayError('invalid_params', 'Write domains, domains add HOST, or domains remove HOST.');
  },
};

async function showDomains({ client, write }: CommandContext, app: string): Promise<void> {
  const { webUrl } = await client.call('apps.get', { app });
  const found = await client.call('domains.list', { app });
  write(`=== ${app} domain\n${new URL(webUrl).hostname}\n`);
  if (found.domains.length === 0) return;
  write(`\n=== ${app} custom domains\n${found.domains.map(({ hostname }) => `${hostname}\n`).join('')}`);
}

/** How a browser of this machine gets to the router by the name. */
function hint(hostname: string): string {
  if (resolvesByItself(hostname)) return '';
  return hostname.startsWith('*.')
    ? 'Names below it have to lead to this machine: each with a line in its hosts file, or all of them in your DNS.\n'
    : `The name has to lead to this machine, for example by a line in its hosts file: 127.0.0.1 ${hostname}\n`;
}

/** `pages`: an app's own pages in place of the router's. */
export const pages: Command = {
  usage: 'pages [refresh] [--app NAME]',
  summary:
    'show an app’s own error page and maintenance page, named by the config vars ERROR_PAGE_URL and MAINTENANCE_PAGE_URL; refresh fetches them anew',
  async run(context) {
    const { client, words, write, exitWith } = context;
    const app = await chosenApp(context);
    const [verb] = words;
    if (verb !== undefined && verb !== 'refresh')
      throw new SlipwayError('invalid_params', 'Write pages, or pages refresh.');
    const answer = await client.call(verb === undefined ? 'pages.list' : 'pages.refresh', { app });
    write(columns(answer.pages.map((page) => [page.variable, standing(page)])));
    if (answer.pages.some(({ problem }) => problem !== null)) exitWith(1);
  },
};

function standing({ url, bytes, fetchedAt, problem, fetching }: CustomPage): string {
  if (url === null) return 'not set; the router’s own page';
  const copy =
    bytes === null ? 'the router’s own page until then' : `${bytes} bytes, fetched ${fetchedAt ?? ''}`;
  if (fetching) return `being fetched; ${copy}`;
  return problem === null ? copy : `${problem}; ${bytes === null ? 'the router’s own page' : copy}`;
}

/** `https`: the router by HTTPS. */
export const https: Command = {
  usage: 'https [on|off|trust]',
  summary:
    'show or switch HTTPS for all apps; trust prints the commands that have this machine trust its certificates',
  async run({ client, words, write, exitWith }) {
    const [verb] = words;
    if (verb !== undefined && !['on', 'off', 'trust'].includes(verb))
      throw new SlipwayError('invalid_params', 'Write https, https on, https off, or https trust.');
    const status =
      verb === 'on' || verb === 'off'
        ? await client.call('system.setHttps', { on: verb === 'on' })
        : await client.call('system.https', {});
    write(verb === 'trust' ? trustText(status) : statusText(status));
    if (status.problem !== null) exitWith(1);
  },
};

function statusText({ on, url, problem, authority }: HttpsStatus): string {
  const where = url?.replace('localhost', 'APP.localhost');
  return columns([
    ['HTTPS:', problem ?? (on ? `on, ${where ?? ''}` : 'off')],
    ...(authority === null
      ? []
      : [
          ['Authority:', authority.path],
          ['SHA-256:', authority.fingerprint],
          ['Trust:', 'as you decide; slipway https trust prints how'],
        ]),
  ]);
}

function trustText({ authority, trust }: HttpsStatus): string {
  if (authority === null)
    throw new SlipwayError('not_found', 'There is no authority yet. slipway https on makes it.');
  const steps = trust.map(({ title, note, commands, undo }) =>
    [
      `=== ${title}`,
      ...(note === undefined ? [] : [note]),
      ...commands.map((line) => `  ${line}`),
      ...(undo.length === 0 ? [] : ['To take it back:', ...undo.map((line) => `  ${line}`)]),
    ].join('\n'),
  );
  return `Whoever trusts the authority trusts every certificate that is made with its key in ${authority.path.replace(/[^/\\]+$/, '')}.\n\n${steps.join('\n\n')}\n`;
}
