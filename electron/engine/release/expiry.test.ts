import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError } from '../runtime/runtime.ts';
import { openSlugStore } from '../slug/slug-store.ts';
import { Store } from '../store/store.ts';
import { systemClock } from '../util/clock.ts';
import { type ExpiryOptions, SlugExpiry } from './expiry.ts';
import { ReleaseLedger } from './ledger.ts';

let folder: string;
let store: Store;
let ledger: ReleaseLedger;
let running: number[];
let oneOffs: string[];
let unstaged: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-expiry-'));
  await mkdir(join(folder, 'slugs'));
  store = new Store(join(folder, 'slipway.db'));
  ledger = new ReleaseLedger(store, systemClock);
  [running, oneOffs, unstaged] = [[], [], []];
  for (const id of ['a1', 'a2']) {
    const app = { id, name: `app-${id}`, stack: 'slipway-13', folder: null, serving: null, createdAt: 'now' };
    store.insertApp(app);
    ledger.begin(app, 'ann');
  }
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

/** Deploys slugs s`from` to s`to`; s1 becomes v3. */
async function deploy(from: number, to: number, appId = 'a1', content = (id: string) => id): Promise<void> {
  for (let number = from; number <= to; number += 1) {
    const id = `${appId === 'a1' ? 's' : 't'}${number}`;
    const sha256 = content(id).padEnd(64, 'x');
    const file = join(folder, 'slugs', `${sha256}.slug`);
    await writeFile(file, id);
    const written = new Date(Date.now() - 3_600_000);
    await utimes(file, written, written);
    const more = {
      parts: [],
      processTypes: {},
      stack: 'slipway-13',
      language: 'Node.js',
      commit: null,
      images: null,
    };
    const slug = { id, appId, sha256, size: 1, ...more, createdAt: String(1_000 + number) };
    store.atomically(() => ledger.deploy(appId, { slug, description: `Deploy ${id}`, user: 'ann' }));
  }
}

function expire(runtime: Partial<ExpiryOptions['runtime']> = {}): Promise<number> {
  const dyno = (appId: string, release: number) => ({
    ...{ id: `d${release}`, appId, name: 'web.1', type: 'web', release, size: 'Standard-1X', command: 'x' },
    ...{ address: null, port: 1, startedAt: 0, exit: null },
  });
  const expiry = new SlugExpiry({
    store,
    runtime: {
      listDynos: async () => [...running.map((release) => dyno('a1', release)), dyno('a2', 3)],
      unstage: async (slugId) => void unstaged.push(slugId),
      ...runtime,
    },
    slugs: openSlugStore(join(folder, 'slugs')),
    clock: systemClock,
    slugsOfRuns: () => oneOffs,
  });
  return expiry.expire('a1');
}

/** Slugs whose archives are there, by their numbers. */
async function archives(): Promise<string[]> {
  const names = (await readdir(join(folder, 'slugs'))).map((name) => name.replace(/x+\.slug$/, ''));
  return names.sort((one, other) => Number(one.slice(1)) - Number(other.slice(1)));
}

describe('SlugExpiry', () => {
  it('keeps the slugs of the newest 20 releases, and those of other apps', async () => {
    await deploy(1, 22);
    await deploy(1, 1, 'a2');
    expect(await expire()).toBe(2);
    expect(unstaged.sort()).toEqual(['s1', 's2']);
    expect((await archives()).filter((id) => id.startsWith('s'))).toEqual(
      Array.from({ length: 20 }, (_, index) => `s${index + 3}`),
    );
    expect(store.findRelease('a2', 3)?.status).toBe('succeeded');
    expect(await expire()).toBe(0);
  });

  it('makes releases whose slug is gone no target of a rollback, and says why', async () => {
    await deploy(1, 1);
    ledger.configure('a1', { A: '1' }, 'ann');
    await deploy(2, 22);
    await expire();
    expect([3, 4, 5].map((version) => store.findRelease('a1', version)?.status)).toEqual([
      'expired',
      'expired',
      'expired',
    ]);
    expect(store.findSlug('s1')).not.toBeNull();
    expect(() => ledger.rollback('a1', 4, 'ann')).toThrow(
      /v4 \(Set A config vars\).* expired, as only .* 20/,
    );
    expect(ledger.rollback('a1', 6, 'ann').slugId).toBe('s3');
  });

  it('never takes one that serves, runs, or is a one-off dyno’s', async () => {
    await deploy(1, 24);
    store.setServing('a1', 3);
    running = [4];
    oneOffs = ['s3'];
    expect(await expire()).toBe(1);
    expect(unstaged).toEqual(['s4']);
    store.setServing('a1', 26);
    [running, oneOffs] = [[], []];
    expect(await expire()).toBe(3);
  });

  it('keeps the newest slugs, whose parts builds take over, and the current one', async () => {
    await deploy(1, 5);
    for (let round = 0; round < 30; round += 1) ledger.configure('a1', { ROUND: String(round) }, 'ann');
    expect(await expire()).toBe(2);
    expect(store.slugs('a1').map((slug) => slug.id)).toEqual(['s5', 's4', 's3']);
    expect(ledger.current('a1')).toMatchObject({ status: 'succeeded', slugId: 's5' });
  });

  it('keeps an archive that another slug shares, or that was written a moment ago', async () => {
    await deploy(1, 1, 'a1', () => 'same');
    await deploy(2, 2);
    await deploy(9, 9, 'a2', () => 'same');
    await deploy(3, 22);
    const fresh = join(folder, 'slugs', `${'s2'.padEnd(64, 'x')}.slug`);
    await utimes(fresh, new Date(), new Date());
    expect(await expire()).toBe(2);
    expect(await archives()).toEqual(expect.arrayContaining(['same', 's2']));
    expect(store.slugs().map((slug) => slug.id)).not.toContain('s2');
  });

  it('takes nothing while the runtime cannot be asked what runs', async () => {
    await deploy(1, 22);
    const lost = new RuntimeError('unavailable', 'Docker does not answer');
    await expect(expire({ listDynos: () => Promise.reject(lost) })).rejects.toBe(lost);
    expect(await archives()).toHaveLength(22);
  });
});
