import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';

/** File system in memory that Linux has for programs. */
const MEMORY = '/dev/shm';
const NAME = 'slipway-tests-';
/** More than two files at a time write. */
const ROOM_BYTES = 6 * 1024 ** 3;
/** What the programs under test need beside it. */
const PROGRAMS_BYTES = 4 * 1024 ** 3;

/**
 * Folder in memory for what tests write: data folders and builds are many small files that nobody needs afterwards.
 * @returns null where there is no such file system, programs in it cannot be run, or memory is short: then the disk is used
 */
export function memoryFolder(): string | null {
  const mounts = existsSync('/proc/mounts') ? readFileSync('/proc/mounts', 'utf8') : '';
  const flags = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(mounts)?.[1]?.split(',');
  if (flags === undefined || flags.includes('noexec') || flags.includes('ro')) return null;
  const { bavail, bsize } = statfsSync(MEMORY);
  const room = Math.min(bavail * bsize, process.availableMemory() - PROGRAMS_BYTES);
  return room < ROOM_BYTES ? null : join(MEMORY, `${NAME}${process.pid}`);
}

/** Makes the folder in memory of a run, and gives what removes it; also those that killed runs have left. */
export async function setup({ config }: TestProject): Promise<(() => Promise<void>) | undefined> {
  const folder = config.env['TMPDIR'];
  if (folder === undefined || !basename(folder).startsWith(NAME)) return undefined;
  const others = (await readdir(dirname(folder))).filter((name) => name.startsWith(NAME));
  for (const name of others)
    if (!existsSync(join('/proc', name.slice(NAME.length))))
      await rm(join(MEMORY, name), { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return () => rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
