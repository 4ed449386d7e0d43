import type { BigIntStats } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';

/**
 * How long a file has to be as it is before it gets a mark, in milliseconds. Longer than the steps in which any file system counts time
 * (2 s on FAT), so that a change after it was looked at always shows.
 */
export const SETTLED_MS = 3_000;

/**
 * File systems of other machines or of programs, by their numbers on Linux (statfs(2)): what the system knows of their files may be older
 * than the files. NFS, SMB in three versions, FUSE, 9P, Ceph, AFS, VirtualBox.
 */
const REMOTE = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400, 0x5346414f, 0x786f4256,
]);

/**
 * What gives the files of a folder their marks, see `markOf`. Those on another file system than the folder, and all on one that is remote,
 * get none.
 * @throws what the system says when the folder cannot be read
 */
export async function openMarks(folder: string): Promise<(stats: BigIntStats) => string | null> {
  const now = Date.now();
  const [{ dev }, { type }] = await Promise.all([stat(folder, { bigint: true }), statfs(folder)]);
  return (stats) => (stats.dev === dev && !REMOTE.has(type >>> 0) ? markOf(stats, now) : null);
}

/**
 * Names the content of a file of a source by what the system knows of it: a file with the mark that it had before is the same, as no program can
 * set the time at which an inode was last changed.
 * @param now time before the file was looked at, in milliseconds since the epoch
 * @returns null for a file that was changed just now, or has a time to come
 */
export function markOf(stats: BigIntStats, now: number): string | null {
  const { dev, ino, mode, size, mtimeNs, ctimeNs } = stats;
  const settled = BigInt(now - SETTLED_MS) * 1_000_000n;
  if (mtimeNs > settled || ctimeNs > settled) return null;
  return [dev, ino, mode, size, mtimeNs, ctimeNs].map((each) => each.toString(36)).join(':');
}
