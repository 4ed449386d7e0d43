import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** How many files are looked at at the same time. */
const PARALLEL = 32;

/**
 * Bytes that a file or a folder tree takes on the disk. A file with several names counts once; links are not followed. What vanishes
 * meanwhile or cannot be read counts as nothing.
 */
export async function folderBytes(path: string): Promise<number> {
  const seen = new Set<string>();
  const waiting = [path];
  let bytes = 0;
  let busy = 0;
  return new Promise((resolve) => {
    const look = async (each: string): Promise<void> => {
      const found = await lstat(each).catch(() => null);
      if (found === null) return;
      if (found.isDirectory()) {
        const names = await readdir(each).catch(() => []);
        for (const name of names) waiting.push(join(each, name));
      }
      if (found.nlink > 1 && !found.isDirectory()) {
        const identity = `${found.dev}:${found.ino}`;
        if (seen.has(identity)) return;
        seen.add(identity);
      }
      bytes += onDisk(found);
    };
    const next = (): void => {
      while (busy < PARALLEL) {
        const each = waiting.pop();
        if (each === undefined) break;
        busy += 1;
        void look(each).finally(() => {
          busy -= 1;
          next();
        });
      }
      if (busy === 0) resolve(bytes);
    };
    next();
  });
}

/** Blocks of 512 bytes, where the system counts them. */
function onDisk({ blocks, size }: Stats): number {
  return Number.isFinite(blocks) && process.platform !== 'win32' ? blocks * 512 : size;
}
