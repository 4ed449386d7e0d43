import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { folderBytes } from './folder-bytes.ts';

const MIB = 2 ** 20;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-bytes-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

it('sums all files of a tree, one with several names once, and follows no link', async () => {
  const before = await folderBytes(root);
  await mkdir(join(root, 'a', 'b'), { recursive: true });
  await writeFile(join(root, 'a', 'b', 'one'), Buffer.alloc(2 * MIB, 1));
  await writeFile(join(root, 'two'), Buffer.alloc(MIB, 1));
  await link(join(root, 'two'), join(root, 'a', 'two'));
  await symlink('/', join(root, 'link'));
  await symlink(join(root, 'nowhere'), join(root, 'broken'));
  const bytes = (await folderBytes(root)) - before;
  expect(bytes).toBeGreaterThanOrEqual(3 * MIB);
  expect(bytes).toBeLessThan(3.2 * MIB);
  expect(await folderBytes(join(root, 'two'))).toBeGreaterThanOrEqual(MIB);
});

it('sums more files than it looks at at a time', async () => {
  await mkdir(join(root, 'many'));
  const names = Array.from({ length: 300 }, (_, at) => join(root, 'many', String(at)));
  await Promise.all(names.map((name) => writeFile(name, Buffer.alloc(8_192, 1))));
  expect(await folderBytes(root)).toBeGreaterThanOrEqual(300 * 8_192);
});

it('has nothing for what is not there', async () => {
  expect(await folderBytes(join(root, 'nowhere'))).toBe(0);
});
