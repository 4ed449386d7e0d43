import type { TableDefinition } from '../lib/definition.ts';
import { median } from '../lib/stats.ts';
import { type Field, type Load, openField, type Proxy, type Row } from './contestants.ts';

const SECONDS = Number(process.env['SLIPWAY_BENCH_SECONDS'] ?? 2);
const WARM_UP_SECONDS = 2;
/** The row of the goal. */
const MAIN = '1 kB, 64 connections';
const WORST_RATIO = 0.7;
const P99_RATIO = 1.5;
const HTTP_PROXY_RATIO = 6;

const ROWS: readonly Row[] = [
  ...[1, 64, 512].map((connections) => row('1 kB', '/1k', connections)),
  ...[1, 64, 512].map((connections) => row('100 kB', '/100k', connections)),
  row('POST 10 kB', '/post', 64, true),
];

function row(what: string, path: string, connections: number, post = false): Row {
  return {
    name: `${what}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    path,
    connections,
    post,
  };
}

/** All rounds of one proxy in one row; `cost` in microseconds of processor for a request. */
interface Measured {
  readonly perSecond: number[];
  readonly p50: number[];
  readonly p99: number[];
  readonly cost: number[];
}

/**
 * The router beside nginx, HAProxy and http-proxy: one core for each, the same backend, keep-alive, a log of all requests.
 * Where generator and backend share a core, that core may be full before the proxy's: then the cost of a request tells more.
 */
export const table: TableDefinition = {
  title: 'Router: requests through a proxy on one core',
  rounds: 7,
  goal: { kind: 'at-least', ratio: 1 },
  async measure(rounds, print) {
    const field = await openField();
    try {
      for (const proxy of field.proxies) for (const each of ROWS) field.load(proxy, each, WARM_UP_SECONDS);
      const data: Record<string, Record<string, Measured>> = {};
      for (const each of ROWS) {
        const measured = measureRow(field, each, rounds);
        data[each.name] = Object.fromEntries(measured);
        printRow(each, measured, print);
      }
      printGoals(data, print);
      return { ratio: ratioTo(data[MAIN], 'nginx', 'perSecond'), data };
    } finally {
      await field.close();
    }
  },
};

/** Who begins changes each round, so that nobody always has the warmer machine. */
function measureRow(field: Field, each: Row, rounds: number): Map<string, Measured> {
  const measured = new Map<string, Measured>(
    field.proxies.map((proxy) => [proxy.name, { perSecond: [], p50: [], p99: [], cost: [] }]),
  );
  for (let round = 0; round < rounds; round += 1) {
    const turn = round % field.proxies.length;
    for (const proxy of [...field.proxies.slice(turn), ...field.proxies.slice(0, turn)])
      note(measured.get(proxy.name), proxy, () => field.load(proxy, each, SECONDS));
  }
  return measured;
}

function note(into: Measured | undefined, proxy: Proxy, run: () => Load): void {
  const before = proxy.processorSeconds();
  const load = run();
  into?.cost.push(((proxy.processorSeconds() - before) / load.requests) * 1e6);
  into?.perSecond.push(load.perSecond);
  into?.p50.push(load.p50);
  into?.p99.push(load.p99);
}

function printRow(each: Row, measured: Map<string, Measured>, print: (line: string) => void): void {
  print(
    `\n${each.name.padEnd(24)}${['req/s', 'p50 ms', 'p99 ms', 'µs/req', 'x nginx'].map((it) => it.padStart(10)).join('')}`,
  );
  const all = Object.fromEntries(measured);
  for (const [name, { perSecond, p50, p99, cost }] of measured) {
    const cells = [
      median(perSecond).toFixed(0),
      median(p50).toFixed(2),
      median(p99).toFixed(2),
      median(cost).toFixed(1),
      ratioOf(all, name, 'nginx', 'perSecond').toFixed(2),
    ];
    print(`  ${name.padEnd(22)}${cells.map((it) => it.padStart(10)).join('')}`);
  }
}

function printGoals(data: Record<string, Record<string, Measured>>, print: (line: string) => void): void {
  const rows = Object.values(data);
  const worst = Math.min(...rows.map((each) => ratioTo(each, 'nginx', 'perSecond')));
  const main = data[MAIN];
  print('');
  print(`worst row: ${worst.toFixed(2)} x nginx, goal >= ${WORST_RATIO}`);
  print(`p99, ${MAIN}: ${ratioTo(main, 'nginx', 'p99').toFixed(2)} x nginx, goal <= ${P99_RATIO}`);
  print(
    `${MAIN}: ${ratioTo(main, 'http-proxy', 'perSecond').toFixed(2)} x http-proxy, goal >= ${HTTP_PROXY_RATIO}`,
  );
  print(`processor for a request, ${MAIN}: ${ratioTo(main, 'nginx', 'cost').toFixed(2)} x nginx`);
}

function ratioTo(each: Record<string, Measured> | undefined, peer: string, what: keyof Measured): number {
  return ratioOf(each, 'ours', peer, what);
}

/** The middle of the ratios of each round, as both had much the same machine in it. */
function ratioOf(
  each: Record<string, Measured> | undefined,
  name: string,
  peer: string,
  what: keyof Measured,
): number {
  const theirs = each?.[peer]?.[what] ?? [];
  return median((each?.[name]?.[what] ?? []).map((value, round) => value / (theirs[round] ?? Number.NaN)));
}
