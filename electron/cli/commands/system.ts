import * as z from 'zod';
import { SlipwayError } from '#shared/errors.ts';
import { columns, type Command } from '../command.ts';

/** `info`: what the engine runs on. */
export const info: Command = {
  usage: 'info',
  summary: 'show where and on what the engine runs',
  async run({ client, write }) {
    const found = await client.call('system.info', {});
    const rows = [
      ['Version:', found.version],
      ['Runtime:', `${found.runtime.kind} ${found.runtime.version}`],
      ['Isolated:', found.runtime.isolated ? 'yes' : 'no'],
      ...found.runtime.notes.map((note) => ['Note:', note]),
      ['API:', found.apiUrl],
      ['Router:', found.routerUrl],
      ...(found.routerTlsUrl === null ? [] : [['HTTPS:', found.routerTlsUrl]]),
      ['Data folder:', found.home],
    ];
    write(columns(rows));
  },
};

/** `open`: a fresh address of the UI. */
export const open: Command = {
  usage: 'open',
  summary: 'print an address that lets a browser in',
  async run({ link, write }) {
    const response = await fetch(`http://127.0.0.1:${link.port}/ui-urls`, {
      method: 'POST',
      headers: { authorization: `Bearer ${link.apiKey}` },
    });
    const parsed = z.object({ url: z.string() }).safeParse(await response.json());
    if (!parsed.success)
      throw new SlipwayError('internal', 'The engine gave no address. Its diagnostics say more.');
    write(`${parsed.data.url}\n`);
  },
};

/** `env`: lines for a shell that point the Heroku CLI at the engine. */
export const env: Command = {
  usage: 'env',
  summary: 'print shell lines that point the Heroku CLI at this engine',
  run({ link, env: outer, write }) {
    const url = `http://localhost:${link.port}`;
    const inherited = (outer['NO_PROXY'] ?? outer['no_proxy'] ?? '').split(',').filter((host) => host !== '');
    const values = {
      HEROKU_HOST: url,
      HEROKU_API_KEY: link.apiKey,
      HEROKU_PARTICLEBOARD_URL: url,
      HEROKU_DATA_HOST: 'localhost',
      HEROKU_BUILDPACK_REGISTRY_URL: url,
      HEROKU_STATUS_HOST: url,
      HEROKU_LOGIN_HOST: url,
      DISABLE_TELEMETRY: 'true',
      HEROKU_SKIP_NEW_VERSION_CHECK: '1',
      NO_PROXY: [...new Set([...inherited, 'localhost', '127.0.0.1'])].join(','),
    };
    for (const [name, value] of Object.entries(values))
      write(`export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
    return Promise.resolve();
  },
};
