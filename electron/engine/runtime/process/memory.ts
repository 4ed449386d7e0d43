import { readdir, readFile } from 'node:fs/promises';
import { probe } from '../box/tools.ts';
import type { Dyno } from './dyno.ts';

/** Ids of processes that lead what is counted together. */
interface Leaders {
  /** Process groups: a dyno is one. */
  readonly groups: ReadonlySet<number>;
  /** Sessions: what runs on a terminal is one of several groups. */
  readonly sessions: ReadonlySet<number>;
}

/**
 * Resident memory of each running dyno's process group, and of each session of a terminal, in bytes, by id; what left them is not
 * counted, and what processes share is in each.
 * @param sessions first process of each one-off dyno on a terminal, by id
 */
export async function memoryOfDynos(
  dynos: readonly Dyno[],
  sessions: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const running = dynos.filter((dyno) => dyno.exit === null);
  const groups = await Promise.all(
    running.map(async (dyno): Promise<[string, number]> => [dyno.record.id, (await dyno.group()) ?? 0]),
  );
  const leaders = [...groups.filter(([, leader]) => leader !== 0), ...sessions];
  const memory = await memoryLedBy({
    groups: new Set(groups.map(([, leader]) => leader)),
    sessions: new Set(sessions.values()),
  });
  return new Map(
    leaders.flatMap(([id, leader]): [string, number][] => {
      const bytes = memory.get(leader);
      return bytes === undefined ? [] : [[id, bytes]];
    }),
  );
}

/** Only those that have processes. */
async function memoryLedBy(leaders: Leaders): Promise<ReadonlyMap<number, number>> {
  if (leaders.groups.size + leaders.sessions.size === 0) return new Map();
  return process.platform === 'linux' ? fromProc(leaders) : fromPs(leaders);
}

async function fromProc({ groups, sessions }: Leaders): Promise<ReadonlyMap<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const sums = new Map<number, number>();
  const look = async (pid: string): Promise<void> => {
    // A process may end at any time; then it uses nothing.
    const { group, session } = placeIn(await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''));
    const isLed = groups.has(group);
    if (!isLed && !sessions.has(session)) return;
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
    add(sums, isLed ? group : session, Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0));
  };
  await Promise.all(pids.map(look));
  return sums;
}

/** Process group and session in a line of /proc/PID/stat; the name before them may hold anything. */
function placeIn(line: string): { group: number; session: number } {
  const [, , group, session] = line.slice(line.lastIndexOf(')') + 2).split(' ', 4);
  return { group: Number(group ?? 0), session: Number(session ?? 0) };
}

/** Where there is no session to be asked for, only the first group of each counts. */
async function fromPs({ groups, sessions }: Leaders): Promise<ReadonlyMap<number, number>> {
  const sums = new Map<number, number>();
  for (const line of ((await probe('ps', ['-axo', 'pgid=,rss='])) ?? '').split('\n')) {
    const [group = 0, kibibytes = 0] = line.trim().split(/\s+/).map(Number);
    if (groups.has(group) || sessions.has(group)) add(sums, group, kibibytes);
  }
  return sums;
}

function add(sums: Map<number, number>, group: number, kibibytes: number): void {
  if (Number.isFinite(kibibytes)) sums.set(group, (sums.get(group) ?? 0) + kibibytes * 1024);
}
