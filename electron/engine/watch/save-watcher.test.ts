import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SlipwayError } from '#shared/errors.ts';
import type { AppRow } from '../store/rows.ts';
import { systemClock } from '../util/clock.ts';
import { SaveWatcher } from './save-watcher.ts';

let folder: string;
let apps: AppRow[];
let deploys: string[];
let busy: number;
let watcher: SaveWatcher;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-watch-'));
  mkdirSync(join(folder, 'node_modules'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, '.gitignore'), 'dist\n*.tmp\n');
  const options = {
    deployOnSave: true,
    deployOrder: 'seamless',
    sleepAfterMinutes: null,
    dynoMetadata: false,
    ...{
      maintenance: false,
      sessionAffinity: false,
      dynoChoice: 'random' as const,
      builder: 'heroku/builder:24',
    },
  } as const;
  const app = { id: 'a1', name: 'shop', stack: 's', folder, createdAt: 'now', options };
  apps = [{ ...app, serving: null, asleepSince: null, detectedBuildpack: null }];
  deploys = [];
  busy = 0;
  watcher = new SaveWatcher({
    clock: systemClock,
    apps: () => apps,
    deploy(app, from) {
      busy -= 1;
      if (busy >= 0) return Promise.reject(new SlipwayError('conflict', 'a build runs'));
      deploys.push(`${app.name} ${from}`);
      return Promise.resolve();
    },
    onProblem(what, error) {
      throw new Error(what, { cause: error });
    },
  });
});
afterEach(async () => {
  await watcher.close();
  rmSync(folder, { recursive: true });
});

/** Saves until the watcher has begun to see it. */
async function saved(path: string): Promise<void> {
  let round = 0;
  await vi.waitFor(
    () => {
      round += 1;
      if (deploys.length === 0) writeFileSync(join(folder, path), String(round));
      expect(deploys.length).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 1_000 },
  );
}

describe('deploying on save', () => {
  it('deploys once for files that are saved together', async () => {
    watcher.sync();
    await saved('src/a.js');
    deploys = [];
    for (const name of ['b.js', 'c.js', 'd.js']) writeFileSync(join(folder, 'src', name), 'x');
    await vi.waitFor(() => {
      expect(deploys).toEqual([`shop ${folder}`]);
    }, 10_000);
    await sleep(800);
    expect(deploys).toHaveLength(1);
  });

  it('does not heed what is ignored, nor an app that is not to be deployed any more', async () => {
    watcher.sync();
    await saved('src/a.js');
    await sleep(800);
    deploys = [];
    writeFileSync(join(folder, 'node_modules', 'x.js'), 'x');
    writeFileSync(join(folder, 'x.tmp'), 'x');
    await sleep(1_000);
    expect(deploys).toEqual([]);
    apps = [];
    watcher.sync();
    writeFileSync(join(folder, 'src', 'a.js'), 'y');
    await sleep(1_000);
    expect(deploys).toEqual([]);
  });

  it('tries again while another build runs', async () => {
    busy = 2;
    watcher.sync();
    await saved('src/a.js');
    expect(deploys.length).toBeGreaterThan(0);
  });
});
