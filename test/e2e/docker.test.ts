import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mainJob } from './main-job.ts';
import { docker, owned } from './support/docker.ts';

/** Shared by all apps of an engine: the builds' network and the downloads. */
const ENGINE_OWNED = /^(network slipway-\w+-build|volume slipway-\w+-downloads)$/;

mainJob('docker', async ({ home, ownerId }) => {
  const left: string[] = [];
  for (const folder of ['slugs', 'logs', 'builds', 'uploads'])
    left.push(...(await readdir(join(home, folder))));
  const lists = [
    ['ps', '-a', '--format', 'container {{.Names}}'],
    ['network', 'ls', '--format', 'network {{.Name}}'],
    ['images', '--format', 'image {{.Repository}}:{{.Tag}}'],
    ['volume', 'ls', '--format', 'volume {{.Name}}'],
  ];
  for (const list of lists) left.push(...docker(...list, ...owned({ ownerId })));
  return left.filter((name) => !ENGINE_OWNED.test(name));
});
