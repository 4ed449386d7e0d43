import { readdir, readFile } from 'node:fs/promises';
import { probe } from '../box/tools.ts';
import type { Dyno } from './dyno.ts';

/**
 * Resident memory of each running dyno's process group, in bytes, by id; what left the group is not counted, and what
 * processes share is in each.
 */
export async function memoryOfDynos(dynos: readonly Dyno[]): Promise<ReadonlyMap<string, number>> {
  const running = dynos.filter((dyno) => dyno.exit === null);
  const groups = await Promise.all(running.map((dyno) => dyno.group()));
  const memory = await memoryOfGroups(new Set(groups.filter((group) => group !== null)));
  return new Map(
    running.flatMap((dyno, at): [string, number][] => {
      const bytes = memory.get(groups[at] ?? 0);
      return bytes === undefined ? [] : [[dyno.record.id, bytes]];
    }),
  );
}

/** Only groups that have processes. */
async function memoryOfGroups(groups: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  if (groups.size === 0) return new Map();
  return process.platform === 'linux' ? fromProc(groups) : fromPs(groups);
}

async function fromProc(groups: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const sums = new Map<number, number>();
  const look = async (pid: string): Promise<void> => {
    // A process may end at any time; then it uses nothing.
    const group = groupIn(await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''));
    if (!groups.has(group)) return;
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
    add(sums, group, Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0));
  };
  await Promise.all(pids.map(look));
  return sums;
}

/** Process group in a line of /proc/PID/stat; the name before it may hold anything. */
function groupIn(line: string): number {
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ', 3)[2] ?? 0);
}

async function fromPs(groups: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const sums = new Map<number, number>();
  for (const line of ((await probe('ps', ['-axo', 'pgid=,rss='])) ?? '').split('\n')) {
    const [group = 0, kibibytes = 0] = line.trim().split(/\s+/).map(Number);
    if (groups.has(group)) add(sums, group, kibibytes);
  }
  return sums;
}

function add(sums: Map<number, number>, group: number, kibibytes: number): void {
  if (Number.isFinite(kibibytes)) sums.set(group, (sums.get(group) ?? 0) + kibibytes * 1024);
}
