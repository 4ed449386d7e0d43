import { findSize, memoryOn, memoryText } from '#shared/model/size.ts';
import { ChecksumError } from '../slug/checksum.ts';

/** Every line that the dyno manager writes, with the platform's exact words (reference: heroku-platform 3.1, 3.2, 5.4). */
export const line = {
  starting: (command: string, port: number): string =>
    `Starting process with command \`${command.replaceAll(/\$\{PORT\}|\$PORT\b/g, String(port))}\``,
  changed: (from: string, to: string): string => `State changed from ${from} to ${to}`,
  restarting: (): string => 'Restarting',
  cycling: (): string => 'Cycling',
  idling: (): string => 'Idling',
  unidling: (): string => 'Unidling',
  /** Ours: the platform does not say how long a wake took. */
  awake: (ms: number): string => `Awake after ${(ms / 1000).toFixed(1)} s`,
  stopping: (): string => 'Stopping all processes with SIGTERM',
  killing: (): string => 'Stopping remaining processes with SIGKILL',
  killingOne: (): string => 'Stopping process with SIGKILL',
  exited: (code: number): string => `Process exited with status ${code}`,
  bootTimeout: (seconds: number): string =>
    `Error R10 (Boot timeout) -> Web process failed to bind to $PORT within ${seconds} seconds of launch`,
  exitTimeout: (seconds: number): string =>
    `Error R12 (Exit timeout) -> At least one process failed to exit within ${seconds} seconds of SIGTERM`,
  memory: (megabytes: number, percent: number): string =>
    `Process running mem=${megabytes}M(${percent.toFixed(1)}%)`,
  overQuota: (code: 'R14' | 'R15'): string =>
    code === 'R14' ? 'Error R14 (Memory quota exceeded)' : 'Error R15 (Memory quota vastly exceeded)',
  outOfMemory: (): string =>
    'Error R15 (Memory quota vastly exceeded) -> The system killed a process of the dyno, which had used up all memory that it may have',
  /** With the platform's own slip of the pen. */
  checksum: (expected: string, actual: string): string =>
    `Error R17 (Checksum error) -> Checksum does match expected value. Expected: SHA256:${expected} Actual: SHA256:${actual}`,
  startFailed: (reason: string): string =>
    `Error R99 (Platform error) -> The dyno could not be started: ${reason}`,
};

/** What the log says of a dyno that could not be started. */
export function startFailure(error: unknown): string {
  if (error instanceof ChecksumError) return line.checksum(error.expected, error.actual);
  return line.startFailed(error instanceof Error ? error.message : String(error));
}

/**
 * What the log says of a dyno whose size has more memory than the machine; null when it has not.
 * @param machineMiB memory of the machine
 */
export function scaledDown(size: string, machineMiB: number): string | null {
  const found = findSize(size);
  if (found === undefined) return null;
  const memory = memoryOn(machineMiB, found);
  return memory === found.memoryMiB
    ? null
    : `${found.name} has ${memoryText(found.memoryMiB)} of memory, this machine ${memoryText(memory)}: the dyno gets what there is`;
}

/** Why the platform killed a dyno that shall run. */
export type Fault = 'boot-timeout' | 'memory-quota';

/** A crash in plain words, for people. */
export function crashReason(exit: { code: number; outOfMemory: boolean }, fault: Fault | null): string {
  if (fault === 'boot-timeout') return 'it did not listen on $PORT in time';
  if (fault === 'memory-quota') return 'it used more than twice its memory quota';
  if (exit.outOfMemory) return `it ran out of memory (exit code ${exit.code})`;
  return exit.code === 0 ? 'its process ended (exit code 0)' : `exit code ${exit.code}`;
}
