import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../store/store.ts';
import type { SlugRow } from '../store/rows.ts';
import { systemClock } from '../util/clock.ts';
import { describeDeploy, ReleaseLedger } from './ledger.ts';

let folder: string;
let store: Store;
let ledger: ReleaseLedger;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-ledger-'));
  store = new Store(join(folder, 'slipway.db'));
  ledger = new ReleaseLedger(store, systemClock);
  const app = { id: 'a1', name: 'shop', stack: 'slipway-13', folder: null, serving: null, createdAt: 'now' };
  store.insertApp(app);
  ledger.begin(app, 'ann');
});

afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

function slug(id: string): SlugRow {
  const sha256 = id.padEnd(64, '0');
  const processTypes = { web: 'node server.js' };
  return {
    ...{ id, appId: 'a1', sha256, size: 10, parts: [], processTypes, stack: 'slipway-13' },
    ...{ language: 'Node.js', commit: null, createdAt: 'now', images: null },
  };
}

function deploy(id: string): number {
  return store.atomically(() =>
    ledger.deploy('a1', { slug: slug(id), description: describeDeploy(slug(id)), user: 'ann' }),
  ).version;
}

describe('ReleaseLedger', () => {
  it('begins with the two releases that the platform makes', () => {
    expect(store.releases('a1').map((each) => [each.version, each.description])).toEqual([
      [2, 'Enable Logplex'],
      [1, 'Initial release'],
    ]);
  });

  it('names a config release by its sorted names and makes none when nothing changes', () => {
    expect(ledger.configure('a1', { B: '2', A: '1' }, 'ann')?.description).toBe('Set A, B config vars');
    expect(ledger.configure('a1', { A: '1' }, 'ann')).toBeNull();
    expect(ledger.configure('a1', { A: null }, 'ann')?.description).toBe('Remove A config vars');
    expect(ledger.current('a1').config).toEqual({ B: '2' });
    expect(ledger.current('a1').version).toBe(4);
  });

  it('refuses config over the limit and keeps what was there', () => {
    expect(() => ledger.configure('a1', { BIG: 'x'.repeat(70_000) }, 'ann')).toThrow(/65536/);
    expect(ledger.current('a1').version).toBe(2);
  });

  it('rolls back to the slug and the config of a release, as a new release', () => {
    const first = deploy('s1');
    ledger.configure('a1', { MODE: 'new' }, 'ann');
    deploy('s2');
    const release = ledger.rollback('a1', first, 'ann');
    expect(release).toMatchObject({ version: 6, description: 'Rollback to v3', slugId: 's1', config: {} });
  });

  it('takes the release before the current one when no version is named', () => {
    deploy('s1');
    deploy('s2');
    expect(ledger.rollback('a1', undefined, 'ann')).toMatchObject({ slugId: 's1', version: 5 });
  });

  it('refuses a target that has no code, or that is not there, and says so', () => {
    deploy('s1');
    expect(() => ledger.rollback('a1', 1, 'ann')).toThrow(/has no code/);
    expect(() => ledger.rollback('a1', 99, 'ann')).toThrow(/no release v99/);
    expect(() => ledger.rollback('a1', undefined, 'ann')).toThrow(/no earlier release/);
  });

  it('keeps releases append-only in the database itself', () => {
    deploy('s1');
    store.close();
    const raw = new DatabaseSync(join(folder, 'slipway.db'));
    expect(() => {
      raw.exec("UPDATE releases SET description = 'rewritten'");
    }).toThrow(/append-only/);
    raw.close();
    store = new Store(join(folder, 'slipway.db'));
  });

  it('is all there when the file is opened again', () => {
    deploy('s1');
    store.close();
    store = new Store(join(folder, 'slipway.db'));
    ledger = new ReleaseLedger(store, systemClock);
    expect(ledger.current('a1')).toMatchObject({ version: 3, slugId: 's1' });
  });

  it('refuses a second engine on the same data folder', () => {
    expect(() => new Store(join(folder, 'slipway.db'))).toThrow(/another Slipway uses this data folder/);
  });
});
