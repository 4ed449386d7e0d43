import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchDefinition, FigureDefinition, TableDefinition } from './lib/definition.ts';
import { median, ratio } from './lib/stats.ts';

/** Raw figures of one run. */
interface Rounds {
  readonly ours: number[];
  readonly peer: number[];
}

const HERE = import.meta.dirname;

/** Alternates ours and peer; who begins changes each round, so that neither always has the warmer machine. */
async function measure(
  bench: BenchDefinition,
  rounds: number,
): Promise<Rounds & { names: [string, string] }> {
  const contest = await bench.open();
  try {
    const result: Rounds = { ours: [], peer: [] };
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const);
      for (const side of order) result[side].push(await contest[side].round(round));
    }
    return { ...result, names: [contest.ours.name, contest.peer.name] };
  } finally {
    await contest.close();
  }
}

function table(bench: BenchDefinition, { ours, peer, names }: Rounds & { names: [string, string] }): string {
  const rows = [
    ['', 'median', 'best', 'worst'],
    ...[ours, peer].map((values, at) => [
      names[at] ?? '',
      ...[median(values), Math.min(...values), Math.max(...values)].map(
        (value) => `${value.toFixed(3)} ${bench.unit}`,
      ),
    ]),
  ];
  const width = Math.max(...rows.map((row) => row[0]?.length ?? 0));
  return rows
    .map(
      ([first = '', ...rest]) => `${first.padEnd(width)}  ${rest.map((cell) => cell.padStart(12)).join('')}`,
    )
    .join('\n');
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string' } },
  });
  const [name] = positionals;
  const folders = await readdir(HERE, { withFileTypes: true });
  const known = folders
    .filter((each) => each.isDirectory() && !['lib', 'results'].includes(each.name))
    .map((each) => each.name);
  if (name === undefined || !known.includes(name)) {
    console.error(`Name a benchmark: npm run bench -- ${known.join(' | ')} [--rounds N]`);
    process.exitCode = 1;
    return;
  }
  const found = (await import(join(HERE, name, 'index.ts'))) as {
    bench?: BenchDefinition;
    figures?: FigureDefinition;
    table?: TableDefinition;
  };
  if (found.bench) await compare(name, found.bench, Number(values.rounds ?? found.bench.rounds));
  else if (found.figures) await showFigures(name, found.figures);
  else if (found.table) await showTable(name, found.table, Number(values.rounds ?? found.table.rounds));
}

async function compare(name: string, bench: BenchDefinition, rounds: number): Promise<void> {
  const result = await measure(bench, rounds);
  const figure = ratio(bench.goal.kind, result.ours, result.peer);
  await keep(name, { unit: bench.unit, ...result, ratio: figure, goal: bench.goal });
  console.log(`${bench.title}\n${table(bench, result)}`);
  console.log(lastLine(name, figure, bench.goal));
}

function lastLine(name: string, figure: number, goal: BenchDefinition['goal']): string {
  return `${name} ratio=${figure.toFixed(2)} goal=${goal.kind === 'at-most' ? '<=' : '>='}${goal.ratio}`;
}

async function showFigures(name: string, definition: FigureDefinition): Promise<void> {
  const result = await definition.measure();
  await keep(name, { figures: result, goals: definition.goals });
  console.log(definition.title);
  for (const [figure, goal] of Object.entries(definition.goals)) console.log(`${figure}: goal under ${goal}`);
  console.log(
    `${name} ${Object.entries(result)
      .map(([figure, value]) => `${figure}=${value.toFixed(2)}`)
      .join(' ')}`,
  );
}

async function showTable(name: string, definition: TableDefinition, rounds: number): Promise<void> {
  console.log(definition.title);
  const { ratio: figure, data } = await definition.measure(rounds, (line) => {
    console.log(line);
  });
  await keep(name, { rows: data, ratio: figure, goal: definition.goal });
  console.log(lastLine(name, figure, definition.goal));
}

/** Writes the raw values down, with what they were measured on. */
async function keep(name: string, data: object): Promise<void> {
  await mkdir(join(HERE, 'results'), { recursive: true });
  const machine = {
    cpus: cpus().map((cpu) => cpu.model),
    memory: totalmem(),
    platform: process.platform,
    node: process.version,
  };
  const file = join(HERE, 'results', `${name}-${new Date().toISOString().replaceAll(':', '-')}.json`);
  await writeFile(file, JSON.stringify({ name, ...data, machine }, null, 2));
}

await main();
process.exit();
