import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mainJob } from './main-job.ts';

mainJob('process', async ({ home }) => {
  const left: string[] = [];
  for (const folder of ['slugs', 'logs', 'builds', 'uploads'])
    left.push(...(await readdir(join(home, folder))));
  return left;
});
