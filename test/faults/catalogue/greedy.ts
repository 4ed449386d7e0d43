import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine } from '#shared/model/log.ts';
import type { Fault, Scale } from '../support/fault.ts';
import {
  type Finding,
  measure,
  failed,
  promise,
  promiseLines,
  promiseLog,
  promiseNothingBeside,
} from '../support/measure.ts';
import { countLines, lastNumbers, type LineCount } from '../support/numbered-lines.ts';
import { APP, type World } from '../support/world.ts';

const FORK_MS = 5_000;
/** Lines of 100 bytes. */
const FLOOD_LINES = { short: 500_000, full: 10_000_000 };

/** Longest wait for the whole flood to be in the log, in milliseconds. */
const FLOOD_MS = 1_800_000;

/** Dynos that keep what the machine has from others; the limits of a dyno must hold them. */
export const GREEDY: readonly Fault[] = [
  {
    name: 'fork bomb in a dyno',
    async run(world: World): Promise<Finding> {
      const before = (await world.dynos()).map(({ id }) => id);
      const finding = await measure(world, {
        async cause(from) {
          await world.ask('/fork');
          await sleep(FORK_MS);
          from();
          await world.host.client.call('dynos.restart', { app: APP });
        },
        async healed() {
          const gone = (await world.dynos()).every(({ id }) => !before.includes(id));
          return gone && (await world.isWhole());
        },
      });
      finding.notes.push(`ended by a restart after ${FORK_MS / 1000} s; counted from the restart`);
      return promiseNothingBeside(finding);
    },
  },
  {
    name: 'memory hog in a dyno',
    async run(world: World): Promise<Finding> {
      const before = (await world.dynos()).map(({ id }) => id);
      const finding = await measure(world, {
        cause: () => world.ask('/hog'),
        async healed() {
          const gone = (await world.dynos()).filter(({ id }) => before.includes(id)).length;
          return gone === before.length - 1 && (await world.isWhole());
        },
      });
      return promiseLog(promiseNothingBeside(finding), 'Memory quota', 'State changed from up to crashed');
    },
  },
  {
    name: 'flood on standard output',
    async run(world: World, scale: Scale): Promise<Finding> {
      const lines = FLOOD_LINES[scale];
      let rate = '';
      const count = await LineTally.begin(world);
      const finding = await measure(world, {
        patience: 60_000,
        async cause(from) {
          await world.ask(`/flood?lines=${lines}`);
          const started = performance.now();
          await untilLogged(world, ` ${String(lines).padStart(10, '0')} `);
          const seconds = (performance.now() - started) / 1000;
          rate = `${(lines / 10_000).toLocaleString('en')} MB in ${seconds.toFixed(1)} s`;
          from();
        },
        healed: () => world.isWhole(),
        count: () => count.end(lines),
      });
      finding.notes.push(`${rate}; counted from the moment when all of it was in the log`);
      promise(finding, 'the app beside it loses no request', failed(finding.beside) === 0);
      return promiseLines(finding);
    },
  },
];

async function untilLogged(world: World, text: string): Promise<void> {
  for (const deadline = performance.now() + FLOOD_MS; performance.now() < deadline; ) {
    const { records } = await world.host.client.call('logs.recent', { app: APP, lines: 500 });
    if (records.some((record) => record.kind === 'line' && record.text.includes(text))) return;
    await sleep(200);
  }
  throw new Error(`waited ${FLOOD_MS / 60_000} minutes for${text}in the log`);
}

/**
 * Counts lines of the app by the numbers that the log gives them, as a flood is longer than what is kept: all that were printed, less
 * those that have a number, are lost. Of what is kept every line is looked at.
 */
class LineTally {
  private readonly world: World;
  private readonly first: number;
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly abort = new AbortController();
  private readonly platform: number[] = [];

  private constructor(world: World, log: readonly LogLine[]) {
    this.world = world;
    this.first = log.at(-1)?.seq ?? 0;
    this.numbers = lastNumbers(log.map(({ text }) => text));
    void this.readPlatform().catch((error: unknown) => {
      if (!this.abort.signal.aborted) throw error;
    });
  }

  static async begin(world: World): Promise<LineTally> {
    await world.untilWhole();
    return new LineTally(world, await world.log());
  }

  /** @param printed lines of the flood */
  async end(printed: number): Promise<LineCount> {
    await sleep(2_000);
    const log = await this.world.log();
    await sleep(1_000);
    this.abort.abort();
    const texts = log.map(({ text }) => text);
    const last = log.at(-1)?.seq ?? 0;
    let expected = printed + this.platform.filter((seq) => seq <= last).length;
    for (const [instance, number] of lastNumbers(texts))
      expected += number - (this.numbers.get(instance) ?? 0);
    const kept = countLines(texts, new Map(), before(texts));
    const flood = countLines(asNumbered(texts), new Map(), before(asNumbered(texts)));
    return {
      lost: Math.max(expected - (last - this.first), kept.lost, flood.lost),
      repeated: kept.repeated + flood.repeated,
    };
  }

  private async readPlatform(): Promise<void> {
    const { client } = this.world.host;
    const wanted = { app: APP, filter: { source: 'heroku' as const }, after: this.first };
    for await (const records of client.open('logs.open', wanted, this.abort.signal))
      for (const record of records) if (record.kind === 'line') this.platform.push(record.seq);
  }
}

/** Lines of the flood as numbered lines of an instance of their own. */
function asNumbered(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    const [, instance, digits] = /^flood (\w+) (\d{10}) x+$/.exec(text) ?? [];
    return instance === undefined ? [] : [`line ${instance}flood ${Number(digits)}`];
  });
}

/** The number before the first line of each instance that is kept. */
function before(texts: readonly string[]): Map<string, number> {
  const instances = [...lastNumbers(texts).keys()];
  return new Map(instances.map((instance) => [instance, first(texts, instance) - 1]));
}

function first(texts: readonly string[], instance: string): number {
  const text = texts.find((each) => each.startsWith(`line ${instance} `)) ?? '';
  return Number(text.split(' ')[2]);
}
