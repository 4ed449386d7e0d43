import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BuildOutputs } from './build-output.ts';

const FULL = '/dev/full';
const hasFull = existsSync(FULL);
if (!hasFull) console.log(`There is no ${FULL}: a build whose output has no room is not tested`);

it.skipIf(!hasFull)('a build goes on when there is no room for its output', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-outputs-'));
  await symlink(FULL, join(folder, 'b1.log'));
  const output = new BuildOutputs(folder).begin('b1');
  expect(() => {
    output.write('some words\n');
    output.write('more words\n');
    output.end();
  }).not.toThrow();
  await rm(folder, { recursive: true });
});
