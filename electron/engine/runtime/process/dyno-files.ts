import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { hasCode } from '../box/tools.ts';
import type { DynoExit } from '../runtime.ts';
import { type Identity, parseIdentity } from './identity.ts';

/** What a dyno's folder says of it, written before its process starts. */
export const DynoRecord = z.object({
  version: z.literal(1),
  id: z.string(),
  appId: z.string(),
  appName: z.string(),
  name: z.string(),
  type: z.string(),
  release: z.number().int(),
  slugId: z.string(),
  size: z.string(),
  command: z.string(),
  port: z.number().int(),
  startedAt: z.number(),
});
export type DynoRecord = z.infer<typeof DynoRecord>;

/** Files in a dyno's folder. */
export const FILES = {
  record: 'dyno.json',
  /** The private copy of the slug; HOME. */
  home: 'app',
  temporary: 'tmp',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
  /** Process id and start time, by the dyno's first process. */
  identity: 'pid',
  /** Exit code, by the same process when the command has ended. */
  exit: 'exit',
  /** Up to where the output files were emptied. */
  trimmed: 'trimmed',
} as const;

/** Writes the record whole or not at all. */
export async function writeRecord(folder: string, record: DynoRecord): Promise<void> {
  await writeWhole(join(folder, FILES.record), JSON.stringify(record, null, 2));
}

/** Writes a file whole or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The record of a dyno's folder, or null when there is none that can be read. */
export async function readRecord(folder: string): Promise<DynoRecord | null> {
  const text = await readOrNull(join(folder, FILES.record));
  if (text === null) return null;
  try {
    const parsed = DynoRecord.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Which process runs the dyno; null when it has not said so yet. */
export async function readIdentity(folder: string): Promise<Identity | null> {
  return parseIdentity((await readOrNull(join(folder, FILES.identity))) ?? '');
}

/** How the dyno ended, or null when it has not written that. */
export async function readExit(folder: string): Promise<Pick<DynoExit, 'code' | 'at'> | null> {
  const path = join(folder, FILES.exit);
  const text = await readOrNull(path);
  if (text === null || !/^\d{1,3}\n$/.test(text)) return null;
  return { code: Number(text), at: Math.round((await stat(path)).mtimeMs) };
}

/** Text of a small file, or null when there is none. */
export async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
