import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { BuildOutputs } from './build-output.ts';
import { LineLog } from './line-log.ts';

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

async function outputs(): Promise<{ folder: string; all: BuildOutputs }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-outputs-'));
  return { folder, all: new BuildOutputs(folder, 1_000) };
}

async function textOf(all: BuildOutputs, id: string): Promise<string> {
  let text = '';
  for await (const piece of all.read(id, new AbortController().signal)) text += piece.text;
  return text;
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`).join('');

it('loses the beginning of a log that is too large, and says so', async () => {
  const { folder, all } = await outputs();
  const output = all.begin('b1');
  for (let at = 0; at < 1_000; at += 1) output.write(`line ${at}\n`);
  output.end();
  const text = await textOf(all, 'b1');
  const [first = ''] = /line \d+/.exec(text) ?? [];
  expect(text).toBe(
    `\n !     What comes before is left out: the build log is too large.\n${lines(Number(first.slice(5)), 1_000)}`,
  );
  expect(text.length).toBeGreaterThan(1_000);
  expect(text.length).toBeLessThan(2_200);
  await all.remove('b1');
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

it('gives a reader that keeps up every line once, over the ends of files', async () => {
  const { folder, all } = await outputs();
  const output = all.begin('b1');
  let text = '';
  const reading = (async () => {
    for await (const piece of all.read('b1', new AbortController().signal)) text += piece.text;
  })();
  for (let at = 0; at < 500; at += 1) {
    output.write(`line ${at}\n`);
    if (at % 50 === 49)
      await vi.waitFor(() => {
        expect(text).toBe(lines(0, at + 1));
      });
  }
  output.end();
  await reading;
  expect(text).toBe(lines(0, 500));
  await rm(folder, { recursive: true });
});

it('cuts a line without an end into pieces', () => {
  const found: string[] = [];
  const log = new LineLog((texts) => found.push(...texts));
  for (let at = 0; at < 30; at += 1) log.write('x'.repeat(1_000));
  log.write('y\nz');
  log.end();
  expect(found.map((each) => each.length)).toEqual([10_000, 10_000, 10_001, 1]);
});
