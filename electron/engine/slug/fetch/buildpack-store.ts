import { createHash, randomUUID } from 'node:crypto';
import {
  access,
  chmod,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type BuildpackPlace, publicBuildpack, readBuildpack } from '#shared/model/buildpack.ts';
import { folderBytes } from '../../util/folder-bytes.ts';
import type { Buildpack } from '../buildpacks.ts';
import { BuildFailure } from '../failure.ts';
import { BUILDPACK_MAX_BYTES, fetchArchive } from './archive-source.ts';
import { FetchError } from './fetch-error.ts';
import { clone, findCommit } from './git-source.ts';

/** How often and how long a buildpack is tried to be fetched (reference: heroku-platform 2.4). */
const TRIES = 3;
const TRY_MS = 90_000;
/** Before another try, in milliseconds. */
const PAUSE_MS = 1_000;

/** What was fetched from one place, the last time that it could be. */
const Known = z.object({ content: z.string(), etag: z.string().nullable(), at: z.string() });
type Known = z.infer<typeof Known>;

/** What the store works with. */
export interface BuildpackStoreOptions {
  /** Where fetched buildpacks are kept. */
  readonly folder: string;
  /** Our own, by name. */
  readonly own: readonly Buildpack[];
  /** Address below which the registry has `NAMESPACE/NAME.tgz`. */
  readonly registry: string;
  /** The time in milliseconds since the epoch. */
  now(): number;
}

/** Who waits, and who is told what. */
export interface FetchHow {
  readonly signal: AbortSignal;
  /** Gets sentences for the build log. */
  note(text: string): void;
}

/**
 * Buildpacks from elsewhere. Each is kept by its content, so what has not changed is not fetched again, and a build without a network
 * takes the last that was fetched.
 */
export class BuildpackStore {
  private readonly options: BuildpackStoreOptions;

  constructor(options: BuildpackStoreOptions) {
    this.options = options;
  }

  /** Removes what was half fetched and what no place has any more. To be called while nothing is built. */
  async sweep(): Promise<void> {
    await mkdir(this.path('content'), { recursive: true });
    await mkdir(this.path('places'), { recursive: true });
    await rm(this.path('temporary'), { recursive: true, force: true });
    const known = await Promise.all((await readdir(this.path('places'))).map((name) => this.read(name)));
    const used = new Set(known.map((each) => each?.content));
    for (const name of await readdir(this.path('content'))) {
      if (!used.has(name)) await rm(this.path('content', name), { recursive: true, force: true });
    }
  }

  /**
   * Brings a buildpack to this machine.
   * @param text as a person wrote it, see `readBuildpack`
   * @throws BuildFailure buildpack_unavailable
   */
  async get(text: string, how: FetchHow): Promise<Buildpack> {
    const place = readBuildpack(text);
    if (place === null) throw unavailable(text, 'it is no name, git URL, archive URL or folder');
    const own = place.kind === 'name' ? this.options.own.find(({ name }) => name === place.name) : undefined;
    if (own !== undefined) return own;
    const name = place.kind === 'name' ? place.name : publicBuildpack(text.trim());
    const folder = await this.bring(text, place, how).catch((error: unknown) => {
      if (!(error instanceof FetchError) || how.signal.aborted) throw error;
      throw unavailable(name, error.message, error);
    });
    await checkScripts(name, folder);
    return { name, folder, changeable: true };
  }

  private async bring(text: string, place: BuildpackPlace, how: FetchHow): Promise<string> {
    if (place.kind === 'folder') return this.path('content', await this.copy(place.path));
    const key = createHash('sha256').update(text.trim()).digest('hex');
    const known = await this.read(`${key}.json`);
    try {
      const found = await this.tries(how.signal, (signal) => this.fetch(place, known, signal));
      const content = await this.note(key, { ...found, at: new Date(this.options.now()).toISOString() });
      return this.path('content', content);
    } catch (error) {
      if (!(error instanceof FetchError) || known === null || how.signal.aborted) throw error;
      how.note(
        `${publicBuildpack(text.trim())} could not be fetched: ${error.message}. The copy of ${known.at.slice(0, 10)} is used.`,
      );
      return this.path('content', known.content);
    }
  }

  private async tries<Result>(
    signal: AbortSignal,
    task: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    for (let done = 1; ; done += 1) {
      const timeout = AbortSignal.timeout(TRY_MS);
      try {
        return await task(AbortSignal.any([signal, timeout]));
      } catch (error) {
        signal.throwIfAborted();
        const failure = timeout.aborted
          ? new FetchError(`it took longer than ${TRY_MS / 1000} seconds`, false, error)
          : error;
        if (done >= TRIES || !(failure instanceof FetchError) || failure.final) throw failure;
        await sleep(PAUSE_MS, undefined, { signal });
      }
    }
  }

  private async fetch(
    place: Exclude<BuildpackPlace, { kind: 'folder' }>,
    known: Known | null,
    signal: AbortSignal,
  ): Promise<Pick<Known, 'content' | 'etag'>> {
    if (place.kind === 'git') return this.fetchGit(place, signal);
    const url = place.kind === 'name' ? `${this.options.registry}/${place.name}.tgz` : place.url;
    return this.make(async (folder) => {
      const fetched = await fetchArchive(url, folder, known?.etag ?? null, signal);
      if (fetched === null && known !== null) return known;
      return { content: `archive-${fetched?.sha256 ?? ''}`, etag: fetched?.etag ?? null };
    });
  }

  private async fetchGit(
    place: Extract<BuildpackPlace, { kind: 'git' }>,
    signal: AbortSignal,
  ): Promise<Pick<Known, 'content' | 'etag'>> {
    const commit = await findCommit(place, signal);
    if (commit !== null && (await exists(this.path('content', `git-${commit}`))))
      return { content: `git-${commit}`, etag: null };
    return this.make(async (folder) => ({
      content: `git-${await clone(place, folder, signal)}`,
      etag: null,
    }));
  }

  /** A local folder is looked at anew for each build; the copy is what scripts run from, so the folder itself stays as it is. */
  private async copy(path: string): Promise<string> {
    const folder = path.replace(/^~(?=\/)/, homedir());
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory() !== true) throw new FetchError('there is no such folder', true);
    if (!(await exists(join(folder, 'bin', 'compile')))) throw new FetchError('it has no bin/compile', true);
    const made = await this.make(async (target) => {
      const bytes = await folderBytes(folder);
      if (bytes > BUILDPACK_MAX_BYTES)
        throw new FetchError(`it is larger than ${BUILDPACK_MAX_BYTES / 2 ** 20} MB`, true);
      const inside = (source: string): boolean => basename(source) !== '.git';
      await cp(folder, target, {
        recursive: true,
        filter: inside,
        preserveTimestamps: true,
        verbatimSymlinks: true,
      });
      return { content: `folder-${await contentHash(target)}`, etag: null };
    });
    const key = createHash('sha256').update(`folder ${folder}`).digest('hex');
    return this.note(key, { ...made, at: new Date(this.options.now()).toISOString() });
  }

  /** Has a folder filled and puts it in its place, whole; one that is there already is left as it is. */
  private async make(
    fill: (folder: string) => Promise<Pick<Known, 'content' | 'etag'>>,
  ): Promise<Pick<Known, 'content' | 'etag'>> {
    const folder = this.path('temporary', randomUUID());
    await mkdir(this.path('temporary'), { recursive: true });
    try {
      const { content, etag } = await fill(folder);
      if (await exists(this.path('content', content))) return { content, etag };
      await makeExecutable(join(folder, 'bin'));
      await rename(folder, this.path('content', content)).catch(async (error: unknown) => {
        if (!(await exists(this.path('content', content)))) throw error;
      });
      return { content, etag };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async note(key: string, known: Known): Promise<string> {
    const path = this.path('places', `${key}.json`);
    const temporary = `${path}.${randomUUID()}`;
    await writeFile(temporary, JSON.stringify(known), { mode: 0o600 });
    await rename(temporary, path);
    return known.content;
  }

  /** What a place had; null when that is not known, or its content is gone. */
  private async read(name: string): Promise<Known | null> {
    const text = await readFile(this.path('places', name), 'utf8').catch(() => '');
    const parsed = Known.safeParse(text === '' ? null : parseJson(text));
    if (!parsed.success || !/^[a-z]+-[0-9a-f]+$/.test(parsed.data.content)) return null;
    return (await exists(this.path('content', parsed.data.content))) ? parsed.data : null;
  }

  private path(...parts: readonly string[]): string {
    return join(this.options.folder, ...parts);
  }
}

function unavailable(name: string, reason: string, cause?: unknown): BuildFailure {
  return new BuildFailure(
    'buildpack_unavailable',
    `The buildpack ${name} could not be fetched: ${reason}. Check how it is written and whether it can be reached, and deploy again.`,
    cause,
  );
}

async function checkScripts(name: string, folder: string): Promise<void> {
  for (const script of ['bin/detect', 'bin/compile']) {
    const found = await lstat(join(folder, script)).catch(() => null);
    if (found === null || found.isDirectory())
      throw new BuildFailure(
        'buildpack_unavailable',
        `${name} is no buildpack: it has no ${script}. Check the address, and deploy again.`,
      );
  }
}

/** Links are left alone: what they lead to may be a file of this machine. */
async function makeExecutable(bin: string): Promise<void> {
  for (const entry of await readdir(bin, { withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) await chmod(join(bin, entry.name), 0o755);
  }
}

async function contentHash(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of paths) {
    const found = await lstat(path);
    hash.update(JSON.stringify([path.slice(folder.length), found.mode]));
    if (found.isFile()) hash.update(await readFile(path));
    if (found.isSymbolicLink()) hash.update(await readlink(path));
  }
  return hash.digest('hex');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
