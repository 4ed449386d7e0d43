import { readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, probe } from '../box/tools.ts';

/** Variable that marks every process of a dyno or build, so that those which left its process group are found. */
export const MARK = 'SLIPWAY_PROCESS_OF';

/**
 * Bash that prints what, with the process id, names the current process for ever: on Linux its line in /proc
 * (it has the start time), elsewhere the start time that ps shows.
 */
export const PRINT_IDENTITY =
  'if [ -r "/proc/$$/stat" ]; then read -r line < "/proc/$$/stat"; else line=$(LC_ALL=C /bin/ps -o lstart= -p $$); fi; printf "%s\\n%s\\n" "$$" "$line"';

/** A process and the proof that it is still the same. */
export interface Identity {
  readonly pid: number;
  readonly started: string;
}

/** Reads what `PRINT_IDENTITY` printed; null when it is not complete. */
export function parseIdentity(text: string): Identity | null {
  const [pid = '', line = ''] = text.split('\n');
  if (!/^\d{1,10}$/.test(pid) || line === '' || !text.endsWith('\n')) return null;
  return { pid: Number(pid), started: startIn(line) };
}

/** True when the process runs: it is there, is no zombie and started at that time. */
export async function isAlive(identity: Identity): Promise<boolean> {
  if (process.platform !== 'linux') {
    if (!signalProcess(identity.pid, 0)) return false;
    return (
      ((await probe('ps', ['-o', 'lstart=', '-p', String(identity.pid)])) ?? '').trim() === identity.started
    );
  }
  try {
    const line = await readFile(`/proc/${String(identity.pid)}/stat`, 'latin1');
    return startIn(line) === identity.started && !/^[ZX]$/.test(fieldsOf(line)[0] ?? '');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return false;
    throw error;
  }
}

/** Exit code as a shell shows it: 128 + n after a signal. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? constants.signals.SIGKILL : constants.signals[signal]);
}

/** Signals all processes of a group; true when there were any. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  return signalProcess(-group, signal);
}

/** Ends a process group: SIGTERM, and SIGKILL for what is left after `graceMs`. */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  for (let waited = 0; signalGroup(group, waited === 0 ? 'SIGTERM' : 0) && waited < graceMs; waited += 20)
    await sleep(20);
  signalGroup(group, 'SIGKILL');
}

/** Kills all processes that carry the mark, wherever they went. Linux only; elsewhere nothing happens. */
export async function killMarked(value: string): Promise<void> {
  if (process.platform !== 'linux') return;
  await signalWhere((pid) => hasMark(pid, value), 'SIGKILL');
}

/**
 * Signals all processes of a session and those that carry the mark, each once. The session is known on Linux only; elsewhere its first
 * process group gets the signal.
 * @param leader process id of the session's first process
 */
export async function signalSession(leader: number, mark: string, signal: NodeJS.Signals): Promise<void> {
  if (process.platform !== 'linux') {
    signalGroup(leader, signal);
    return;
  }
  await signalWhere(async (pid) => (await sessionOf(pid)) === leader || hasMark(pid, mark), signal);
}

async function signalWhere(chosen: (pid: string) => Promise<boolean>, signal: NodeJS.Signals): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    pids.map(async (pid) => {
      if (await chosen(pid)) signalProcess(Number(pid), signal);
    }),
  );
}

async function hasMark(pid: string, value: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environment}`.includes(`\0${MARK}=${value}\0`);
}

async function sessionOf(pid: string): Promise<number | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return line === '' ? null : Number(fieldsOf(line)[3]);
}

function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'EPERM')) return false;
    throw error;
  }
}

/** Fields of a stat line behind the command name, which may hold anything: state, parent, … */
function fieldsOf(line: string): string[] {
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

function startIn(line: string): string {
  return line.includes(')') ? (fieldsOf(line)[19] ?? '') : line.trim();
}
