import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { FAULT_GROUPS } from './catalogue/all.ts';
import type { FaultGroup } from './support/fault.ts';
import { cells, markdownTable } from './support/table.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'RELIABILITY.md');
const BEGIN = '<!-- measured: begin -->';
const END = '<!-- measured: end -->';

/**
 * Makes every fault (or those whose names contain the words that are given), prints what it measured and writes it into the document;
 * a run of a few faults writes nothing. Exit code 1 when a promise was not kept or a fault could not be measured.
 */
async function main(words: readonly string[]): Promise<number> {
  const rows: string[][] = [];
  let bad = 0;
  for (const group of FAULT_GROUPS) {
    const chosen = group.faults.filter(({ name }) => words.every((word) => name.includes(word)));
    if (chosen.length === 0) continue;
    const reason = group.whyNot();
    if (reason !== null)
      rows.push(...chosen.map(({ name }) => [name, '', '', '', '', '', `not run: ${reason}`]));
    else bad += await runGroup({ ...group, faults: chosen }, rows);
  }
  const table = markdownTable(rows);
  console.log(`\n${table}`);
  if (words.length === 0 && bad === 0) await write(table);
  return bad === 0 ? 0 : 1;
}

/** @returns how many faults went wrong */
async function runGroup(group: FaultGroup, rows: string[][]): Promise<number> {
  let bad = 0;
  const opened = await group.open();
  try {
    for (const fault of group.faults) {
      const finding = await fault.run(opened.world, 'full');
      const row = cells(fault.name, finding);
      console.log(row.join(' | '));
      if (finding.broken.length > 0) bad += 1;
      rows.push(row);
    }
  } finally {
    await opened.close();
  }
  return bad;
}

async function write(table: string): Promise<void> {
  const version = execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
  }).trim();
  const gib = Math.round(totalmem() / 1024 ** 3);
  const machine = `${process.platform}, ${cpus().length} cores, ${gib} GiB of memory, Docker ${version}, Node.js ${process.versions.node}`;
  const day = new Date().toISOString().slice(0, 10);
  const text = await readFile(DOCUMENT, 'utf8');
  const [head = '', rest = ''] = text.split(BEGIN);
  const [, tail = ''] = rest.split(END);
  await writeFile(DOCUMENT, `${head}${BEGIN}\nMeasured on ${day}: ${machine}.\n\n${table}\n${END}${tail}`);
}

process.exitCode = await main(process.argv.slice(2));
process.exit();
