import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChecksumError } from '../slug/checksum.ts';
import { Store } from '../store/store.ts';
import { knownParts } from './known-parts.ts';

let folder: string;
let store: Store;
const verified: string[] = [];
const damaged = new Set<string>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-known-'));
  store = new Store(join(folder, 'slipway.db'));
  for (const id of ['mine', 'other', 'third'])
    store.insertApp({ id, name: id, stack: 'slipway-13', folder: null, serving: null, createdAt: 'now' });
  verified.length = 0;
  damaged.clear();
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

const slugs = {
  verify: async (sha256: string) => {
    verified.push(sha256);
    if (damaged.has(sha256)) throw new ChecksumError(sha256, 'another');
  },
};

function insertSlug(id: string, appId: string, ...keys: readonly string[]): void {
  store.insertSlug({
    ...{ id, appId, sha256: id, size: 1, processTypes: {}, stack: 'slipway-13', language: 'Node.js' },
    ...{ commit: null, images: null, createdAt: '2026-01-01' },
    parts: keys.map((key, at) => ({ key, offset: at, length: 1 })),
  });
}

const known = async (): Promise<Record<string, string>> =>
  Object.fromEntries([...(await knownParts(store, slugs, 'mine'))].map(([key, { sha256 }]) => [key, sha256]));

it('has all parts of the app’s own slugs, and of the newest of others those told by their content', async () => {
  insertSlug('other-1', 'other', 'content-old', 'b');
  insertSlug('other-2', 'other', 'content-node', 'content-python', 'c');
  insertSlug('third-1', 'third', 'content-node', 'd');
  insertSlug('mine-1', 'mine', 'content-python', 'a');
  expect(await known()).toEqual({
    'content-python': 'mine-1',
    'content-node': 'third-1',
    a: 'mine-1',
  });
  expect(verified).toEqual(['mine-1', 'third-1']);
});

it('has nothing of what was damaged on the disk', async () => {
  insertSlug('mine-1', 'mine', 'a');
  insertSlug('other-1', 'other', 'content-node');
  insertSlug('third-1', 'third', 'content-node');
  for (const each of ['mine-1', 'third-1']) damaged.add(each);
  expect(await known()).toEqual({ 'content-node': 'other-1' });
});
