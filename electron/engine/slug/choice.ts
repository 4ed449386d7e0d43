import type { BuildpackStore, FetchHow } from './fetch/buildpack-store.ts';
import type { Buildpack } from './buildpacks.ts';
import type { ProjectSource } from './source.ts';

/** What is known of an app's buildpacks before its build. */
export interface BuildpackWish {
  /** The app's own list, in order. */
  readonly list: readonly string[];
  /** Config var BUILDPACK_URL, or undefined. */
  readonly override: string | undefined;
  /** What an earlier build found, or null. */
  readonly detected: string | null;
}

/** The buildpacks of one build: those that were said, each of which has to take the app, or null to look for one that does. */
export type BuildpackChoice = readonly Buildpack[] | null;

/**
 * Which buildpacks a build uses: BUILDPACK_URL, else the app's list, else the file `.buildpacks`, else the one that an earlier build
 * found (reference: heroku-platform 2.4).
 * @throws BuildFailure buildpack_unavailable, source_unreadable
 */
export async function chooseBuildpacks(
  wish: BuildpackWish,
  source: Pick<ProjectSource, 'readFile'>,
  store: Pick<BuildpackStore, 'get'>,
  how: FetchHow,
): Promise<BuildpackChoice> {
  const said = await saidBuildpacks(wish, source);
  if (said.length === 0) return null;
  const found: Buildpack[] = [];
  for (const each of said) found.push(await store.get(each, how));
  return found;
}

async function saidBuildpacks(
  { list, override = '', detected }: BuildpackWish,
  source: Pick<ProjectSource, 'readFile'>,
): Promise<readonly string[]> {
  if (override.trim() !== '') return [override];
  if (list.length > 0) return list;
  const file = parseBuildpacksFile((await source.readFile('.buildpacks'))?.toString('utf8') ?? '');
  if (file.length > 0) return file;
  return detected === null ? [] : [detected];
}

/** Lines of the retired file `.buildpacks`: one buildpack each, `#` begins a comment at a line's start. */
export function parseBuildpacksFile(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}
