import type { TableDefinition } from '../lib/definition.ts';
import { median } from '../lib/stats.ts';
import { watchStolen } from '../lib/stolen.ts';
import { type Field, openField, type Proxy, type Row } from './contestants.ts';

const SECONDS = Number(process.env['SLIPWAY_BENCH_SECONDS'] ?? 2);
const WARM_UP_SECONDS = 2;
/** The row of the goal. */
const MAIN = '1 kB, 64 connections';
const WORST_RATIO = 0.7;
const P99_RATIO = 1.5;
const HTTP_PROXY_RATIO = 6;
/** Share of the processors' time that their host may take in a round that counts, and most rounds for each of those. */
const STOLEN = 0.03;
const TRIES = 3;

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
        const measured = measureRow(field, each, rounds, print);
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

/** What one proxy did in one round. */
type Figures = { readonly [What in keyof Measured]: number };

interface Round {
  readonly stolen: number;
  readonly figures: ReadonlyMap<string, Figures>;
}

/**
 * Measures until there are so many rounds that the host of a virtual machine left alone, but not for ever: then the least disturbed count.
 * Who begins changes each round, so that nobody always has the warmer machine.
 */
function measureRow(
  field: Field,
  each: Row,
  rounds: number,
  print: (line: string) => void,
): Map<string, Measured> {
  const tried: Round[] = [];
  const quiet = (): number => tried.filter(({ stolen }) => stolen <= STOLEN).length;
  while (quiet() < rounds && tried.length < TRIES * rounds) {
    const turn = tried.length % field.proxies.length;
    const stolen = watchStolen();
    const figures = new Map<string, Figures>();
    for (const proxy of [...field.proxies.slice(turn), ...field.proxies.slice(0, turn)])
      figures.set(proxy.name, measureOnce(field, proxy, each));
    tried.push({ stolen: stolen(), figures });
  }
  const counted = tried.toSorted((one, other) => one.stolen - other.stolen).slice(0, rounds);
  const most = Math.max(...counted.map(({ stolen }) => stolen));
  if (tried.length > rounds || most > STOLEN)
    print(
      `\n(the host took time from ${tried.length - quiet()} of ${tried.length} rounds; in those that count at most ${(most * 100).toFixed(0)} %)`,
    );
  const of = (name: string, what: keyof Measured): number[] =>
    counted.map(({ figures }) => figures.get(name)?.[what] ?? Number.NaN);
  return new Map(
    field.proxies.map(({ name }) => [
      name,
      {
        perSecond: of(name, 'perSecond'),
        p50: of(name, 'p50'),
        p99: of(name, 'p99'),
        cost: of(name, 'cost'),
      },
    ]),
  );
}

function measureOnce(field: Field, proxy: Proxy, each: Row): Figures {
  const before = proxy.processorSeconds();
  const { requests, perSecond, p50, p99 } = field.load(proxy, each, SECONDS);
  return { perSecond, p50, p99, cost: ((proxy.processorSeconds() - before) / requests) * 1e6 };
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
