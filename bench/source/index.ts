import { randomBytes, randomUUID } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDockerRuntime, type DockerRuntime } from '#engine/runtime/docker/docker-runtime.ts';
import { readSource } from '#engine/slug/source.ts';
import { SETTLED_MS } from '#engine/slug/source-mark.ts';
import { archiveAhead, bringSource } from '#engine/slug/source-transfer.ts';
import { systemClock } from '#engine/util/clock.ts';
import type { TableDefinition } from '../lib/definition.ts';
import { median } from '../lib/stats.ts';

const SIZES = [
  { title: '10 000 files of 10 kB', files: 10_000, bytes: 10_000 },
  { title: '30 files of 10 MB', files: 30, bytes: 10 * 2 ** 20 },
];
const STACK = 'slipway-13';
const never = new AbortController().signal;

/** Seconds of looking through a large source and bringing it into a warm build box. */
export const table: TableDefinition = {
  title:
    'A source of which one file has changed: seconds to have it in the build box, by difference and as a whole',
  rounds: 5,
  goal: { kind: 'at-most', ratio: 0.5 },
  async measure(rounds, print) {
    const root = await mkdtemp(join(tmpdir(), 'slipway-bench-source-'));
    const runtime = await createDockerRuntime({
      ownerId: `bench-${randomUUID()}`,
      stateDir: join(root, 'state'),
      clock: systemClock,
      buildEnv: {},
      diagnostics: { note: () => undefined, problem: console.error },
    });
    try {
      const rows: Record<string, { difference: number[]; whole: number[] }> = {};
      for (const { title, files, bytes } of SIZES) {
        const folder = join(root, title);
        await makeSource(folder, files, bytes);
        const row: { difference: number[]; whole: number[] } = { difference: [], whole: [] };
        rows[title] = row;
        await bring(runtime, 'difference', folder);
        for (let round = 0; round < rounds; round += 1)
          for (const way of ['difference', 'whole'] as const)
            row[way].push(await bring(runtime, way, folder));
        const cells = [row.difference, row.whole].map((each) => median(each).toFixed(2).padStart(8));
        print(`${title.padEnd(24)}${cells.join('')}`);
      }
      const ratios = Object.values(rows).map(({ difference, whole }) => median(difference) / median(whole));
      return { ratio: Math.max(...ratios), data: rows };
    } finally {
      await runtime.purge();
      await runtime.close();
      await rm(root, { recursive: true });
    }
  },
};

/** A build of an app that has been built before; the cache of the other way is empty. @returns seconds */
async function bring(runtime: DockerRuntime, way: 'difference' | 'whole', folder: string): Promise<number> {
  await appendFile(join(folder, '0', '0'), '\n');
  const spec = {
    buildId: randomUUID(),
    appId: way,
    stack: STACK,
    buildpacks: [],
    clearCache: way === 'whole',
  };
  const box = await runtime.openBuild(spec, never);
  try {
    const started = performance.now();
    const source = await readSource(folder);
    await bringSource(box, source, archiveAhead(source), () => undefined);
    return (performance.now() - started) / 1000;
  } finally {
    await box.close();
  }
}

async function makeSource(folder: string, files: number, bytes: number): Promise<void> {
  for (let at = 0; at < files; at += 1) {
    const place = join(folder, String(at % 200));
    await mkdir(place, { recursive: true });
    await writeFile(join(place, String(at)), randomBytes(bytes));
  }
  await sleep(SETTLED_MS);
}
