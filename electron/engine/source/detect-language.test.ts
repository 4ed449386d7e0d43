import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Buildpack } from '../slug/buildpacks.ts';
import { detectLanguage } from './detect-language.ts';

let root: string;
let app: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway detect-'));
  app = join(root, 'my app');
  await mkdir(app);
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

async function buildpack(name: string, script: string): Promise<Buildpack> {
  const folder = join(root, name);
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(join(folder, 'bin', 'detect'), script);
  await chmod(join(folder, 'bin', 'detect'), 0o755);
  return { name: `heroku/${name}`, folder };
}

const BASH = '#!/usr/bin/env bash\n';

it('takes the first buildpack that says yes, by the name it prints', async () => {
  await writeFile(join(app, 'main.py'), '');
  const packs = [
    await buildpack('no', `${BASH}echo "Wrong"; exit 1\n`),
    await buildpack('yes', `${BASH}[ -f "$1/main.py" ] && echo "  Python  3 " && echo noise >&2\n`),
    await buildpack('later', `${BASH}echo Later\n`),
  ];
  expect(await detectLanguage(packs, app)).toEqual({ language: 'Python 3' });
  expect(await detectLanguage(packs.slice(0, 1), app)).toBe('none');
  expect(await detectLanguage([], app)).toBe('none');
});

it('takes the buildpack’s own name when it prints none', async () => {
  expect(await detectLanguage([await buildpack('quiet', `${BASH}exit 0\n`)], app)).toEqual({
    language: 'heroku/quiet',
  });
});

it('does not know when a script cannot be run or takes too long', async () => {
  const missing = await buildpack('missing', '#!/no/such/interpreter\n');
  const noShell = await buildpack('no-shell', '#!/usr/bin/env no-such-shell\n');
  const slow = await buildpack('slow', `${BASH}sleep 600 & sleep 600\n`);
  expect(await detectLanguage([missing], app)).toBe('unknown');
  expect(await detectLanguage([noShell], app)).toBe('unknown');
  expect(await detectLanguage([slow], app, 200)).toBe('unknown');
  expect(await detectLanguage([slow], join(root, 'no folder'), 200)).toBe('unknown');
});
