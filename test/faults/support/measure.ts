import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine } from '#shared/model/log.ts';
import { waitFor } from '../../e2e/support/host.ts';
import { countLines, lastNumbers, type LineCount } from './numbered-lines.ts';
import { sendTraffic, type TrafficResult } from './traffic.ts';
import { APP, BESIDE, type World } from './world.ts';

/** Requests a second to each of the two apps. */
const PER_SECOND = 50;
/** How long requests are sent before a fault and after it, in milliseconds. */
const CALM = 1_000;
/** Longest wait for lines that are on their way into the log, in milliseconds. */
const LINES_MS = 15_000;

/** What a fault did. */
export interface Finding {
  /** From the fault, or from its end where it lasts, until all dynos are up and the last failed request is over, in milliseconds. */
  readonly healthyMs: number;
  readonly app: TrafficResult;
  readonly beside: TrafficResult;
  /** Lines of both apps. */
  readonly lines: LineCount;
  /** Platform lines of the app's log since the fault. */
  readonly platform: readonly string[];
  /** Codes of the router's lines in the app's log since the fault, with how often each came. */
  readonly codes: ReadonlyMap<string, number>;
  /** What else was seen, for the table. */
  readonly notes: string[];
  /** Promises that were not kept. */
  readonly broken: string[];
}

/** A fault as `measure` sees it. */
export interface Harm {
  /** Makes the fault. Resolves when it is over; a later moment to count from is given to `from`. */
  cause(from: () => void): Promise<void>;
  /** True once the platform has noticed and put right what can be. */
  healed(): Promise<boolean>;
  /** Longest wait for that, in milliseconds; a minute unless given. */
  readonly patience?: number;
  /** Counts the app's lines where that needs another way than to read its log. */
  readonly count?: () => Promise<LineCount>;
}

/** Makes a fault under steady requests to both apps, waits until it is healed and counts what was lost. */
export async function measure(world: World, harm: Harm): Promise<Finding> {
  await world.untilWhole();
  const before = new Map<string, LogLine[]>();
  for (const app of [APP, BESIDE]) before.set(app, await world.log(app));
  const traffic = {
    app: sendTraffic(world.routerPort, APP, PER_SECOND),
    beside: sendTraffic(world.routerPort, BESIDE, PER_SECOND),
  };
  await sleep(CALM);
  let from = performance.now();
  try {
    await harm.cause(() => {
      from = performance.now();
    });
    await waitFor('the fault to be healed', () => harm.healed(), harm.patience ?? 60_000);
  } catch (error) {
    await Promise.all([traffic.app.stop(), traffic.beside.stop()]);
    throw error;
  }
  const whole = performance.now();
  await sleep(CALM);
  const [app, beside] = await Promise.all([traffic.app.stop(), traffic.beside.stop()]);
  const counted = await harm.count?.();
  const ignored = { ...app, acknowledged: new Map<string, number>() };
  const read = await settledLines(world, APP, before.get(APP) ?? [], counted === undefined ? app : ignored);
  const mine = { ...read, count: counted ?? read.count };
  const theirs = await settledLines(world, BESIDE, before.get(BESIDE) ?? [], beside);
  return {
    healthyMs: Math.max(whole, app.lastFailureAt ?? 0, beside.lastFailureAt ?? 0) - from,
    ...{ app, beside },
    lines: {
      lost: mine.count.lost + theirs.count.lost,
      repeated: mine.count.repeated + theirs.count.repeated,
    },
    platform: mine.fresh
      .filter(({ source, ps }) => source === 'heroku' && ps !== 'router')
      .map(({ ps, text }) => `${ps}: ${text}`),
    codes: routerCodes(mine.fresh),
    notes: [],
    broken: [],
  };
}

function routerCodes(lines: readonly LogLine[]): Map<string, number> {
  const codes = new Map<string, number>();
  for (const { ps, text } of lines) {
    const code = ps === 'router' ? / code=(H\d\d) /.exec(text)?.[1] : undefined;
    if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  return codes;
}

/** Counts an app's new lines once those that were acknowledged are there, or will not come any more. */
async function settledLines(
  world: World,
  app: string,
  before: readonly LogLine[],
  { acknowledged }: TrafficResult,
): Promise<{ readonly fresh: readonly LogLine[]; readonly count: LineCount }> {
  const last = before.at(-1)?.seq ?? 0;
  const known = lastNumbers(before.map(({ text }) => text));
  const deadline = performance.now() + LINES_MS;
  for (;;) {
    const fresh = (await world.log(app)).filter(({ seq }) => seq > last);
    const texts = fresh.map(({ text }) => text);
    const count = countLines(texts, acknowledged, known);
    if (count.lost === 0 || acknowledged.size === 0 || performance.now() > deadline) return { fresh, count };
    await sleep(250);
  }
}

/** Sum of a result's failed requests. */
export function failed({ failures }: TrafficResult): number {
  return [...failures.values()].reduce((sum, count) => sum + count, 0);
}

/** Notes a promise that is not kept. */
export function promise(finding: Finding, what: string, kept: boolean): void {
  if (!kept) finding.broken.push(what);
}

/** Promises that hold whatever befalls a single dyno: the app beside it loses no request, and no line is lost or told twice. */
export function promiseNothingBeside(finding: Finding): Finding {
  promise(finding, 'the app beside it loses no request', failed(finding.beside) === 0);
  promiseLines(finding);
  return finding;
}

/** No line is lost or told twice. */
export function promiseLines(finding: Finding): Finding {
  promise(finding, 'no line is lost', finding.lines.lost === 0);
  promise(finding, 'no line is there twice', finding.lines.repeated === 0);
  return finding;
}

/** The app's log tells of it in these words. */
export function promiseLog(finding: Finding, ...words: readonly string[]): Finding {
  for (const word of words) {
    const told = finding.platform.some((line) => line.includes(word));
    promise(finding, `the log says ${word}`, told);
  }
  return finding;
}
