import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DiskUse } from '#shared/model/system.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import { ReleaseLedger } from '../release/ledger.ts';
import { Store } from '../store/store.ts';
import { systemClock } from '../util/clock.ts';
import { Disk, type DiskOptions } from './disk.ts';

const MIB = 2 ** 20;

let folder: string;
let store: Store;
let caches: number;
let cleaned: string[][];
let runtime: DiskOptions['runtime'];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-disk-'));
  for (const part of ['slugs', 'logs', 'builds', 'uploads']) await mkdir(join(folder, part));
  store = new Store(join(folder, 'slipway.db'));
  caches = 5 * MIB + 0.4;
  cleaned = [];
  runtime = {
    diskUse: async () => [
      { name: 'Build caches', bytes: caches, removable: true },
      { name: 'Dynos', bytes: 7, removable: false },
    ],
    cleanUp: async ({ slugIds }) => {
      cleaned.push([...slugIds]);
      caches = MIB;
    },
  };
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

function disk(): Disk {
  const part = (name: string): string => join(folder, name);
  const folders = {
    slugs: part('slugs'),
    logs: part('logs'),
    builds: part('builds'),
    uploads: part('uploads'),
  };
  return new Disk({ home: { folder, database: part('slipway.db'), ...folders }, runtime, store });
}

it('tells what each part takes, and what is free', async () => {
  await writeFile(join(folder, 'slugs', 'one.slug'), Buffer.alloc(3 * MIB, 1));
  const use = await disk().use();
  expect(DiskUse.parse(use)).toEqual(use);
  const names = use.parts.map((part) => part.name);
  expect(names).toEqual(['Slugs', 'Logs', 'Build logs', 'Uploads', 'Database', 'Build caches', 'Dynos']);
  expect(use.parts[0]?.bytes).toBeGreaterThanOrEqual(3 * MIB);
  expect(use.parts[4]?.bytes).toBeGreaterThan(0);
  expect(use.parts[5]).toEqual({ name: 'Build caches', bytes: 5 * MIB, removable: true });
  expect(use.freeBytes).toBeGreaterThan(0);
});

it('cleans up, keeps the slugs of current and serving releases, and tells what came free', async () => {
  const ledger = new ReleaseLedger(store, systemClock);
  const app = { id: 'a1', name: 'shop', stack: 's', folder: null, serving: null, createdAt: 'now' };
  store.insertApp(app);
  ledger.begin(app, 'ann');
  for (const id of ['old', 'serving', 'current']) {
    const slug = {
      ...{ id, appId: 'a1', sha256: id.padEnd(64, '0'), size: 1, parts: [], processTypes: {}, stack: 's' },
      ...{ language: 'x', commit: null, images: null, createdAt: 'now' },
    };
    store.atomically(() => ledger.deploy('a1', { slug, description: 'Deploy', user: 'ann' }));
  }
  store.setServing('a1', 4);
  const result = await disk().cleanUp();
  expect(cleaned).toEqual([['current', 'serving']]);
  expect(result.freedBytes).toBe(4 * MIB);
  expect(result.parts.find((part) => part.name === 'Build caches')?.bytes).toBe(MIB);
});

it('says why when the runtime does not answer', async () => {
  runtime = {
    ...runtime,
    diskUse: () => Promise.reject(new RuntimeError('unavailable', 'Docker does not answer. Start Docker.')),
  };
  await expect(disk().use()).rejects.toMatchObject({
    ...{ code: 'runtime_unavailable', message: 'Docker does not answer. Start Docker.', retryable: true },
  });
});
