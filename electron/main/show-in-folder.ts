import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/**
 * The real path of something within one of the folders, or null.
 * The path is compared as it is written before the disk is asked, so that no other machine is ever asked for a file.
 */
export async function pathWithin(path: unknown, folders: readonly string[]): Promise<string | null> {
  if (typeof path !== 'string' || !isAbsolute(path)) return null;
  for (const folder of folders) {
    if (!isWithin(resolve(path), folder)) continue;
    try {
      const [real, realFolder] = await Promise.all([realpath(path), realpath(folder)]);
      if (isWithin(real, realFolder)) return real;
    } catch {
      continue;
    }
  }
  return null;
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
