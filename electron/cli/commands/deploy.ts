import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { SlipwayError } from '#shared/errors.ts';
import { appNameFrom } from '#shared/model/names.ts';
import type { Command, CommandContext } from '../command.ts';

/** `deploy`: folder in, running app out. */
export const deploy: Command = {
  usage: 'deploy FOLDER [--app NAME] [--clear-cache]',
  summary: 'compile a folder and run it; makes the app when there is none',
  async run(context) {
    const { client, write, signal, options } = context;
    const folder = resolve(context.words[0] ?? '.');
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory() !== true) {
      throw new SlipwayError(
        'invalid_params',
        `${folder} is not a folder. Name the folder of a project: slipway deploy FOLDER.`,
      );
    }
    const app = await findOrCreate(context, folder);
    if (signal.aborted) return;
    const source = { kind: 'folder', path: folder } as const;
    const build = await client.call('builds.start', {
      app,
      source,
      clearCache: options['clear-cache'] === true,
    });
    const cancel = (): void => {
      client.call('builds.cancel', { app, build: build.id }).catch(() => undefined);
    };
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    for await (const items of client.open('builds.output', { app, build: build.id })) {
      for (const { text } of items) write(text);
    }
    signal.removeEventListener('abort', cancel);
    const ended = await client.call('builds.get', { app, build: build.id });
    // The build log has said so; the command line ends as one that Ctrl-C ended.
    if (signal.aborted && ended.failure?.code === 'cancelled') return;
    if (ended.failure !== null) {
      // The log ends with the reason, unless the engine itself ended meanwhile.
      if (ended.failure.code === 'interrupted') throw new SlipwayError('internal', ended.failure.message);
      context.exitWith(1);
      return;
    }
    const { webUrl } = await client.call('apps.get', { app });
    write(`${webUrl} runs v${ended.release ?? 0}\n`);
  },
};

async function findOrCreate({ client, options, write }: CommandContext, folder: string): Promise<string> {
  const { apps } = await client.call('apps.list', {});
  const name = options.app ?? appNameFrom(basename(folder)) ?? undefined;
  const byFolder = options.app === undefined ? apps.find((app) => app.folder === folder) : undefined;
  const known = byFolder ?? apps.find((app) => app.name === name);
  if (known !== undefined && (options.app !== undefined || (known.folder ?? folder) === folder))
    return known.name;
  if (known !== undefined) {
    throw new SlipwayError(
      'name_taken',
      `The app ${known.name} was deployed from ${known.folder ?? 'elsewhere'}. Say what is meant: --app ${known.name} to deploy this folder to it, or --app with a new name.`,
    );
  }
  const app = await client.call('apps.create', name === undefined ? {} : { name });
  write(`Creating ${app.name}... done\n${app.webUrl}\n`);
  return app.name;
}
