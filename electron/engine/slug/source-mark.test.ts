import { chmod, lstat, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readSource } from './source.ts';
import { markOf, openMarks, SETTLED_MS } from './source-mark.ts';

let folder: string;
const OLD = new Date('2020-02-02T02:02:02Z');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-mark-'));
  await writeFile(join(folder, 'file'), 'one');
  await utimes(join(folder, 'file'), OLD, OLD);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** As if the file had been left alone for long enough. */
async function mark(): Promise<string | null> {
  return markOf(await lstat(join(folder, 'file'), { bigint: true }), Date.now() + 2 * SETTLED_MS);
}

/** Waits for the next step of the clock that the file system takes its times from. */
async function nextTick(): Promise<void> {
  const probe = join(folder, 'probe');
  const changed = async (): Promise<bigint> => {
    await writeFile(probe, '');
    return (await lstat(probe, { bigint: true })).ctimeNs;
  };
  const before = await changed();
  while ((await changed()) === before);
}

test('a file that is left alone keeps its mark', async () => {
  const before = await mark();
  expect(before).toMatch(/^[0-9a-z:]+$/);
  expect(await mark()).toBe(before);
});

test.each<[string, (file: string) => Promise<unknown>]>([
  [
    'other content of the same size and time',
    (file) => writeFile(file, 'two').then(() => utimes(file, OLD, OLD)),
  ],
  ['another mode', (file) => chmod(file, 0o755)],
  [
    'another file of the same size and time in its place',
    async (file) => {
      await writeFile(`${file}.new`, 'two');
      await utimes(`${file}.new`, OLD, OLD);
      await rename(`${file}.new`, file);
    },
  ],
])('%s gives another mark', async (_, change) => {
  const before = await mark();
  await nextTick();
  await change(join(folder, 'file'));
  expect(await lstat(join(folder, 'file'))).toMatchObject({ mtime: OLD, size: 3 });
  expect(await mark()).not.toBe(before);
});

test('a file that was changed just now, or in the future, has none', async () => {
  const stats = await lstat(join(folder, 'file'), { bigint: true });
  const changed = Number(stats.ctimeNs / 1_000_000n);
  expect(markOf(stats, changed)).toBeNull();
  expect(markOf(stats, changed - 86_400_000)).toBeNull();
  expect(markOf(stats, changed + SETTLED_MS + 1)).not.toBeNull();
});

test('a file on another file system than the folder has none', async () => {
  const stats = await lstat(join(folder, 'file'), { bigint: true });
  await vi.waitUntil(async () => (await openMarks(folder))(stats) !== null, { timeout: 30_000 });
  const elsewhere = { ...stats, dev: stats.dev + 1n };
  expect((await openMarks(folder))(elsewhere)).toBeNull();
});

test('a source has the marks of its files, and none of its links', async () => {
  await symlink('file', join(folder, 'link'));
  await vi.waitUntil(async () => (await readSource(folder)).marks.size > 0, { timeout: 30_000 });
  const source = await readSource(folder);
  expect(source.paths).toEqual(['file', 'link']);
  expect([...source.marks]).toEqual([['file', await mark()]]);
});
