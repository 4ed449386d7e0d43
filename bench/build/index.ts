import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TableDefinition } from '../lib/definition.ts';
import { median } from '../lib/stats.ts';
import { APPS, type BenchFolder, openFolder } from './apps.ts';
import { type Builder, openField } from './builders.ts';

/** Rest before each build, so that what another does afterwards is not in its time; after a first deploy dynos and their images take four seconds. */
const REST_MS = 5_000;
const COLD_GOAL = 1;

/** Seconds of the builds of one app by one builder. */
interface Times {
  readonly cold: number[];
  readonly warm: number[];
}

type Rows = Readonly<Record<string, Readonly<Record<string, Times>>>>;

/** The first build of an app, with its runtime at hand and none of its packages, and one after a changed line; see docs/BUILDPACKS.md. */
export const table: TableDefinition = {
  title:
    'Builds: seconds to the release (slipway) or to the image; the ratio is that of warm builds to docker build',
  rounds: 3,
  goal: { kind: 'at-most', ratio: 0.5 },
  async measure(rounds, print) {
    const folders = await Promise.all(APPS.map(openFolder));
    const field = await openField(folders);
    try {
      const rows: Record<string, Record<string, Times>> = {};
      for (const folder of folders) {
        const times = await measureApp(folder, field.builders, rounds);
        rows[folder.title] = times;
        for (const line of appLines(folder.title, times)) print(line);
      }
      const load = loadavg().map((each) => each.toFixed(1));
      print(`load of the machine at the end, over 1, 5 and 15 minutes: ${load.join(', ')}`);
      print(`cold ratio=${ratio(rows, 'cold').toFixed(2)} goal=<=${COLD_GOAL}`);
      return { ratio: ratio(rows, 'warm'), data: rows };
    } finally {
      await field.close();
      await Promise.all(folders.map((folder) => folder.remove()));
    }
  },
};

/** Who begins changes each round. */
async function measureApp(
  folder: BenchFolder,
  builders: readonly Builder[],
  rounds: number,
): Promise<Record<string, Times>> {
  const times = Object.fromEntries(
    builders.map(({ name }): [string, Times] => [name, { cold: [], warm: [] }]),
  );
  let edits = 0;
  for (let round = 0; round < rounds; round += 1) {
    const turn = round % builders.length;
    for (const builder of [...builders.slice(turn), ...builders.slice(0, turn)]) {
      await builder.clean(folder);
      await sleep(REST_MS);
      times[builder.name]?.cold.push(await builder.build(folder));
      await folder.edit((edits += 1));
      await sleep(REST_MS);
      times[builder.name]?.warm.push(await builder.build(folder));
    }
  }
  return times;
}

function appLines(title: string, times: Readonly<Record<string, Times>>): string[] {
  const rows = Object.entries(times).map(([name, { cold, warm }]) => {
    const cells = [cold, warm].flatMap((values) => [
      median(values),
      Math.min(...values),
      Math.max(...values),
    ]);
    return `  ${name.padEnd(32)}${cells.map((value) => value.toFixed(2).padStart(9)).join('')}`;
  });
  const head = ['cold', 'best', 'worst', 'warm', 'best', 'worst'].map((name) => name.padStart(9)).join('');
  return [`${title.padEnd(34)}${head}`, ...rows];
}

/** The middle of the apps' ratios of ours, which is first, to `docker build`, the second. */
function ratio(rows: Rows, kind: keyof Times): number {
  const each = Object.values(rows).map((times) => {
    const [ours = [], peer = []] = Object.values(times).map((one) => one[kind]);
    return median(ours) / median(peer);
  });
  return median(each);
}
