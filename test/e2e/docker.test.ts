import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mainJob } from './main-job.ts';

/** Shared by all apps of an engine: the builds' network and the downloads. */
const ENGINE_OWNED = /^(network slipway-\w+-build|volume slipway-\w+-downloads)$/;

mainJob('docker', async ({ home, ownerId }) => {
  const left: string[] = [];
  for (const folder of ['slugs', 'logs', 'builds', 'uploads'])
    left.push(...(await readdir(join(home, folder))));
  const filter = ['--filter', `label=io.slipway.owner=${ownerId}`];
  const lists = [
    ['ps', '-a', '--format', 'container {{.Names}}'],
    ['network', 'ls', '--format', 'network {{.Name}}'],
    ['images', '--format', 'image {{.Repository}}:{{.Tag}}'],
    ['volume', 'ls', '--format', 'volume {{.Name}}'],
  ];
  for (const list of lists) {
    const output = execFileSync('docker', [...list, ...filter], { encoding: 'utf8' });
    left.push(...output.split('\n').filter((line) => line !== ''));
  }
  return left.filter((name) => !ENGINE_OWNED.test(name));
});
