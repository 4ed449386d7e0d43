import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '#shared/errors.ts';

/** The data folder and the places in it. */
export interface Home {
  readonly folder: string;
  /** Names this data folder in labels of containers, so that two engines never touch each other's dynos. */
  readonly ownerId: string;
  /** Bearer of the contract and, later, of the Platform API. */
  readonly apiKey: string;
  readonly database: string;
  readonly slugs: string;
  readonly logs: string;
  readonly builds: string;
  readonly uploads: string;
  readonly runtime: string;
  readonly downloads: string;
  /** Buildpacks from elsewhere. */
  readonly buildpacks: string;
  /** Copies of the apps' own error pages. */
  readonly pages: string;
  /** The authority behind the certificates of HTTPS. */
  readonly https: string;
}

/**
 * Makes the data folder when it is missing and reads its identity and key.
 * @throws SlipwayError `unavailable` naming SLIPWAY_HOME when the folder cannot be used
 */
export async function openHome(folder: string, apiKey: string | null): Promise<Home> {
  const home = {
    folder,
    database: join(folder, 'slipway.db'),
    slugs: join(folder, 'slugs'),
    logs: join(folder, 'logs'),
    builds: join(folder, 'builds'),
    uploads: join(folder, 'uploads'),
    runtime: join(folder, 'runtime'),
    downloads: join(folder, 'downloads'),
    buildpacks: join(folder, 'buildpacks'),
    pages: join(folder, 'pages'),
    https: join(folder, 'https'),
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const part of [home.slugs, home.logs, home.builds, home.uploads, home.runtime, home.downloads]) {
      await mkdir(part, { recursive: true });
    }
    const ownerId = await keep(join(folder, 'owner-id'), () => randomUUID());
    const key = apiKey ?? (await keep(join(folder, 'api-key'), () => randomBytes(32).toString('base64url')));
    return { ...home, ownerId, apiKey: key };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError(
      'unavailable',
      `SLIPWAY_HOME=${folder} cannot be used: ${reason}. Set SLIPWAY_HOME to a folder that you may write to.`,
      { cause: error },
    );
  }
}

/** Reads a small private file, or makes it once; only its owner may read it. */
async function keep(path: string, make: () => string): Promise<string> {
  const found = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw error;
  });
  if (found.trim() !== '') {
    await chmod(path, 0o600);
    return found.trim();
  }
  const value = make();
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, `${value}\n`, { mode: 0o600, flush: true });
  await rename(temporary, path);
  return value;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
