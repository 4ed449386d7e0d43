import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackedPart } from '../runtime/runtime.ts';
import type { StoredSlug } from './archive-writer.ts';
import { type KnownPart, openSlugStore, type SlugStore } from './slug-store.ts';

const LIMIT = 1_000;

let folder: string;
let store: SlugStore;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'slipway-slugs-')), 'slugs');
  await mkdir(folder);
  store = openSlugStore(folder, LIMIT);
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

/** Parts by key; null for one that is known. */
async function* packed(parts: Readonly<Record<string, string | null>>): AsyncGenerator<PackedPart> {
  for (const [key, text] of Object.entries(parts))
    yield { key, bytes: text === null ? null : Readable.from([Buffer.from(text)]) };
}

function knownOf({ sha256, parts }: StoredSlug): Map<string, KnownPart> {
  return new Map(parts.map((part) => [part.key, { sha256, part }]));
}

function content(sha256: string): Promise<string> {
  return readFile(join(folder, `${sha256}.slug`), 'utf8');
}

/** Files of the store that this process has open, where the system tells. */
async function openFiles(): Promise<string[]> {
  const links = (await readdir('/proc/self/fd').catch(() => [])).map((fd) =>
    readlink(`/proc/self/fd/${fd}`).catch(() => ''),
  );
  return (await Promise.all(links)).filter((link) => link.startsWith(folder));
}

describe('SlugStore', () => {
  it('writes parts one behind the other to a file named by its content', async () => {
    const slug = await store.assemble(packed({ a: 'first', b: 'second' }), new Map());
    expect(slug).toEqual({
      sha256: createHash('sha256').update('firstsecond').digest('hex'),
      size: 11,
      parts: [
        { key: 'a', offset: 0, length: 5 },
        { key: 'b', offset: 5, length: 6 },
      ],
    });
    expect(await readdir(folder)).toEqual([`${slug.sha256}.slug`]);
    expect((await buffer(store.open(slug.sha256))).toString()).toBe('firstsecond');
    expect((await buffer(store.open(slug.sha256, slug.parts[1]))).toString()).toBe('second');
  });

  it('keeps equal content once', async () => {
    const one = await store.assemble(packed({ a: 'same' }), new Map());
    const two = await store.assemble(packed({ x: 'sa', y: 'me' }), new Map());
    expect(two.sha256).toBe(one.sha256);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it('takes known parts from older archives, at the start and behind', async () => {
    const one = await store.assemble(packed({ node: 'NODE', modules: 'MODULES', app: 'v1' }), new Map());
    const two = await store.assemble(packed({ node: null, modules: null, app: 'v2' }), knownOf(one));
    expect(await content(two.sha256)).toBe('NODEMODULESv2');
    expect(two.sha256).toBe(createHash('sha256').update('NODEMODULESv2').digest('hex'));
    const three = await store.assemble(packed({ node: 'N24', modules: null, app: null }), knownOf(two));
    expect(await content(three.sha256)).toBe('N24MODULESv2');
    expect(three.parts.map((part) => [part.offset, part.length])).toEqual([
      [0, 3],
      [3, 7],
      [10, 2],
    ]);
    const cold = openSlugStore(folder, LIMIT);
    expect((await cold.assemble(packed({ node: null, modules: null, app: 'v2' }), knownOf(one))).sha256).toBe(
      two.sha256,
    );
  });

  it('leaves nothing of a write that is broken off or grows too large', async () => {
    async function* broken(): AsyncGenerator<PackedPart> {
      yield* packed({ a: 'first' });
      throw new Error('the box is gone');
    }
    await expect(store.assemble(broken(), new Map())).rejects.toThrow('the box is gone');
    const large = packed({ a: 'x'.repeat(LIMIT), b: 'y' });
    await expect(store.assemble(large, new Map())).rejects.toMatchObject({ code: 'slug_too_large' });
    await expect(store.assemble(packed({ a: null }), new Map())).rejects.toThrow(/part a, which no older/);
    expect(await readdir(folder)).toEqual([]);
    expect(await openFiles()).toEqual([]);
  });

  it('makes an archive of a copy that was begun before, and leaves none that is given up or of something else', async () => {
    const one = await store.assemble(packed({ a: 'first', b: 'second' }), new Map());
    const known = knownOf(one);
    const same = await store.assemble(packed({ a: null, b: 'third' }), known, store.copyAhead(known));
    expect(await content(same.sha256)).toBe('firstthird');
    const other = await store.assemble(packed({ c: 'new', a: null }), known, store.copyAhead(known));
    expect(await content(other.sha256)).toBe('newfirst');
    const copy = store.copyAhead(known);
    if (copy === null) throw new Error('nothing is copied');
    await store.giveUp(copy);
    expect(store.copyAhead(new Map())).toBeNull();
    expect((await readdir(folder)).sort()).toEqual(
      [one, same, other].map(({ sha256 }) => `${sha256}.slug`).sort(),
    );
  });

  it.each([
    ['begins', { a: null, b: null, c: 'new' }],
    ['goes on', { c: 'new', a: null, b: null }],
  ])(
    'refuses an older archive that became shorter where a slug %s with it, and keeps no file open',
    async (_, parts) => {
      const one = await store.assemble(packed({ a: 'first', b: 'second' }), new Map());
      await truncate(join(folder, `${one.sha256}.slug`), 7);
      await expect(store.assemble(packed(parts), knownOf(one))).rejects.toMatchObject({
        sha256: one.sha256,
        message: expect.stringContaining('it became shorter') as string,
      });
      expect(await readdir(folder)).toEqual([`${one.sha256}.slug`]);
      expect(await openFiles()).toEqual([]);
    },
  );

  it.each([
    ['begins', { a: null, b: 'new' }],
    ['goes on', { b: 'new', a: null }],
  ])('names an older archive that is gone where a slug %s with it', async (_, parts) => {
    const one = await store.assemble(packed({ a: 'first' }), new Map());
    await store.remove(one.sha256);
    await expect(store.assemble(packed(parts), knownOf(one))).rejects.toMatchObject({
      name: 'LostArchive',
      sha256: one.sha256,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('knows an archive that was damaged on the disk from a whole one, also in the next engine', async () => {
    const { sha256 } = await store.assemble(packed({ a: 'first', b: 'second' }), new Map());
    const file = join(folder, `${sha256}.slug`);
    const cold = openSlugStore(folder, LIMIT);
    for (const each of [store, cold]) await each.verify(sha256);
    await writeFile(file, 'firstsecomd');
    const actual = createHash('sha256').update('firstsecomd').digest('hex');
    const told = { name: 'RuntimeError', expected: sha256, actual };
    for (const each of [store, cold, openSlugStore(folder, LIMIT)])
      await expect(Promise.all([each.verify(sha256), each.verify(sha256)])).rejects.toMatchObject(told);
    await writeFile(file, 'firstsecond');
    for (const each of [store, cold]) await each.verify(sha256);
    await rm(file);
    await store.verify(sha256);
  });

  it('removes one archive, and at the next start all that nobody knows', async () => {
    const [one, two, three] = await Promise.all(
      ['1', '2', '3'].map((text) => store.assemble(packed({ a: text }), new Map())),
    );
    await writeFile(join(folder, 'half.tmp'), 'x');
    await store.remove(one?.sha256 ?? '');
    await store.remove(one?.sha256 ?? '');
    await store.sweep(new Set([two?.sha256 ?? '']));
    expect(await readdir(folder)).toEqual([`${two?.sha256 ?? ''}.slug`]);
    expect(three?.size).toBe(1);
  });
});
