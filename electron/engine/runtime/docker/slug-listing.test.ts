import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Entry, needsDigest, parseListing, partKey, planParts, tarBytes } from './slug-listing.ts';

function entry(path: string, more: Partial<Entry> = {}): Entry {
  return { kind: 'f', mode: '644', size: 1, mtime: '1.5', identity: '1:1', path, target: '', ...more };
}

test('a listing is read back, whatever the names are', () => {
  const names = ['./a b', './new\nline', './-dash', './sp  ace//', './ü'];
  const record = (name: string): string => `f 644 3 1.5000000000 7:9.1 ${name}//\0`;
  const listing = `${names.slice(0, 3).map(record).join('')}l 777 0 0 0 ./link//../to//there x\0d 755 0 0 0 ./dir//\0`;
  const entries = parseListing(Buffer.from(listing));
  expect(entries.map(({ path }) => path)).toEqual([...names.slice(0, 3), './link', './dir']);
  expect(entries[3]).toMatchObject({ kind: 'l', target: '../to//there x' });
  expect(entries[0]).toMatchObject({ size: 3, mtime: '1.5000000000', identity: '7:9.1', mode: '644' });
});

test('big folders are parts, below .heroku and vendor one by one; the rest is last', () => {
  const folder = (path: string, size: number): Entry[] => [
    entry(path, { kind: 'd', size: 0 }),
    entry(`${path}/f`, { size }),
  ];
  const big = 5 * 1024 * 1024;
  const parts = planParts([
    entry('./main.js'),
    entry('./.heroku', { kind: 'd' }),
    ...folder('./.heroku/node', big),
    ...folder('./.heroku/small', 10),
    ...folder('./public', big),
    ...folder('./lib', 10),
    ...folder('./node_modules', 10),
    entry('./big.bin', { size: big }),
  ]);
  expect(parts.map((part) => part.entries.map(({ path }) => path))).toEqual([
    ['./.heroku', './.heroku/node', './.heroku/node/f'],
    ['./node_modules', './node_modules/f'],
    ['./public', './public/f'],
    ['./.heroku', './.heroku/small', './.heroku/small/f', './big.bin', './lib', './lib/f', './main.js'],
  ]);
  expect(parts.map((part) => part.last)).toEqual([false, false, false, true]);
  expect(planParts([])).toEqual([{ folder: '', entries: [], last: true }]);
});

test('the library of Python is apart from the packages in it; both parts have the folders that they share', () => {
  const library = './.heroku/python/lib/python3.13';
  const folders = ['./.heroku', './.heroku/python', './.heroku/python/lib', library];
  const paths = (size: number): string[][] =>
    planParts([
      ...[...folders, `${library}/site-packages`].map((path) => entry(path, { kind: 'd', size: 0 })),
      ...[`${library}/os.py`, './.heroku/python/bin'].map((path) => entry(path, { size: 5 * 1024 * 1024 })),
      entry(`${library}/site-packages/flask.py`, { size }),
    ]).map((part) => part.entries.map(({ path }) => path));
  expect(paths(1)).toEqual([
    [
      ...folders.slice(0, 2),
      './.heroku/python/bin',
      ...folders.slice(2),
      ...['', '/flask.py'].map((name) => `${library}/site-packages${name}`),
    ],
    [...folders, `${library}/os.py`],
    ['./.heroku'],
  ]);
  const light = planParts(folders.map((path) => entry(path, { kind: 'd', size: 0 })));
  expect(light).toMatchObject([{ folder: '', entries: folders.map((path) => ({ path })) }]);
});

test('keys follow content, names, modes and targets, and not where a file is stored', () => {
  const key = (more: Partial<Entry>, digest = ''): string =>
    partKey({ folder: '', entries: [entry('./a', more)], last: true }, new Map([['./a', digest]]));
  const base = key({});
  expect(key({ identity: '2:2' })).toBe(base);
  for (const more of [{ path: './b' }, { mode: '755' }, { size: 2 }, { mtime: '2.5' }, { target: 'x' }])
    expect(key(more)).not.toBe(base);
  expect(key({}, 'other')).not.toBe(base);
  expect(needsDigest(entry('./a', { mtime: '499162500.0000000000' }))).toBe(true);
  expect(needsDigest(entry('./a', { mtime: '499162500.1000000000' }))).toBe(false);
});

test('keys of parts that are told by content alone say so, and the last part is nobody else’s', () => {
  const key = (last: boolean, ...times: readonly string[]): string =>
    partKey({ folder: '.', entries: times.map((mtime, at) => entry(`./${at}`, { mtime })), last }, new Map());
  expect(key(false, '1.0000000000', '2.0000000000')).toMatch(/^content-[0-9a-f]{64}$/);
  for (const other of [key(false, '1.0000000000', '2.5000000000'), key(true, '1.0000000000')])
    expect(other).toMatch(/^[0-9a-f]{64}$/);
});

test('the length of a tar is known before it is made, at all lengths of names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-listing-'));
  try {
    const long = (length: number): string => `./${'d'.repeat(60)}/${'n'.repeat(length - 63)}`;
    for (let length = 92; length <= 104; length += 1) {
      mkdirSync(dirname(join(folder, long(length))), { recursive: true });
      writeFileSync(join(folder, long(length)), 'x'.repeat(length * 11));
      symlinkSync('t'.repeat(length), join(folder, `link${String(length)}`));
      mkdirSync(join(folder, `${'e'.repeat(length)}`));
    }
    const find =
      "find . -mindepth 1 \\( -type d -printf 'd %m 0 0 0 %p//\\0' -o -type f -printf 'f %m %s %T@ %i:%C@ %p//\\0' -o -type l -printf 'l 777 0 0 0 %p//%l\\0' \\)";
    const entries = parseListing(spawnSync('bash', ['-c', find], { cwd: folder }).stdout);
    for (const each of entries) {
      const made = tarOf(folder, [each]);
      const content = tarBytes([each]);
      expect(
        made.subarray(content).every((byte) => byte === 0),
        each.path,
      ).toBe(true);
      expect(made.length, each.path).toBe(Math.ceil((content + 1024) / 10_240) * 10_240);
      expect(
        made.subarray(content - 512, content).some((byte) => byte !== 0),
        each.path,
      ).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function tarOf(folder: string, entries: readonly Entry[]): Buffer {
  const options = [
    '--create',
    '--format=gnu',
    '--null',
    '--verbatim-files-from',
    '--no-recursion',
    '--files-from=-',
  ];
  const names = entries.map(({ path }) => `${path}\0`).join('');
  const transform = '--transform=flags=rhS;s,^[.],./app,';
  return spawnSync('tar', [...options, transform], { cwd: folder, input: names }).stdout;
}
