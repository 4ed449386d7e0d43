import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { FAULT_GROUPS } from './catalogue/all.ts';
import type { FaultGroup } from './support/fault.ts';
import { cells, markdownTable } from './support/table.ts';
import { closeWorlds } from './support/world.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'RELIABILITY.md');
const BEGIN = '<!-- measured: begin -->';
const END = '<!-- measured: end -->';

/** Measured rows by the name of the fault. */
type Rows = Map<string, readonly string[]>;

/**
 * Makes every fault, or those whose names contain the words that are given, prints what it measured and writes it into the document;
 * what was measured before stays there for faults that were not made now.
 * Exit code 1 when a promise was not kept; a fault that cannot be measured ends the run.
 */
async function main(words: readonly string[]): Promise<number> {
  const rows: Rows = new Map();
  let bad = 0;
  for (const group of FAULT_GROUPS) {
    const chosen = group.faults.filter(({ name }) => words.every((word) => name.includes(word)));
    if (chosen.length === 0) continue;
    const reason = group.whyNot();
    if (reason === null) bad += await runGroup({ ...group, faults: chosen }, rows);
    else for (const { name } of chosen) console.log(`${name}: not run`);
    await write(rows);
  }
  await closeWorlds();
  console.log(`\n${markdownTable([...rows.values()])}`);
  return bad === 0 ? 0 : 1;
}

/** @returns how many faults went wrong */
async function runGroup(group: FaultGroup, rows: Rows): Promise<number> {
  let bad = 0;
  const opened = await group.open();
  try {
    for (const fault of group.faults) {
      await opened.world.refresh();
      const finding = await fault.run(opened.world, 'full');
      const row = cells(fault.name, finding);
      console.log(row.join(' | '));
      if (finding.broken.length > 0) bad += 1;
      rows.set(fault.name, row);
    }
  } finally {
    await opened.close();
  }
  return bad;
}

async function write(rows: Rows): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [head = '', rest = ''] = text.split(BEGIN);
  const [old = '', tail = ''] = rest.split(END);
  const known: Rows = new Map([...readTable(old), ...rows]);
  const order = FAULT_GROUPS.flatMap(({ faults }) => faults.map(({ name }) => name));
  const table = markdownTable(
    order.flatMap((name) => [known.get(name) ?? []]).filter((row) => row.length > 0),
  );
  await writeFile(DOCUMENT, `${head}${BEGIN}\n${machine()}\n\n${table}\n${END}${tail}`);
}

function readTable(text: string): Rows {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  const rows = lines.slice(2).map((line) => line.slice(2, -2).split(' | '));
  return new Map(rows.map((row) => [row[0] ?? '', row]));
}

function machine(): string {
  const args = ['version', '--format', '{{.Server.Version}}'];
  const docker = execFileSync('docker', args, { encoding: 'utf8' }).trim();
  const gib = Math.round(totalmem() / 1024 ** 3);
  const day = new Date().toISOString().slice(0, 10);
  return `Last run on ${day}: ${process.platform}, ${cpus().length} cores, ${gib} GiB of memory, Docker ${docker}, Node.js ${process.versions.node}; load average of the machine at the end of the run ${loadavg()[1]?.toFixed(0) ?? ''}.`;
}

process.exitCode = await main(process.argv.slice(2));
process.exit();
