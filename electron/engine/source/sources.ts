import { readFile, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import type { Source } from '#shared/contract/contract.ts';
import { SOURCE_MAX_BYTES } from '#shared/model/build.ts';
import type { Inspection } from '#shared/model/source.ts';
import { CNB_STACK, CONTAINER_STACK } from '#shared/model/stack.ts';
import type { Uploads } from '../build/uploads.ts';
import type { Buildpack } from '../slug/buildpacks.ts';
import { readManifest } from '../slug/app-manifest.ts';
import { BuildFailure, systemCode } from '../slug/failure.ts';
import { readImagePlan } from '../slug/image-compiler.ts';
import { readProcfile } from '../slug/procfile.ts';
import { type ProjectSource, readSource, tooLarge } from '../slug/source.ts';
import { containerAdvice, withAdvice } from '../slug/stack-advice.ts';
import type { AppRow } from '../store/rows.ts';
import { detectLanguage } from './detect-language.ts';
import { expandHome } from './folders.ts';
import type { Samples } from './samples.ts';
import { suggestName } from './suggested-name.ts';

/** Folders with more files are not looked through: somebody chose a disk, not a project. */
const MAX_FILES = 200_000;
const MAX_PROCFILE = 1024 * 1024;
/** Problems that leave something to be looked at. */
const PARTIAL: readonly string[] = ['source_unsafe', 'source_too_large'];

/** What looking at sources needs of the rest of the engine. */
export interface SourcesOptions {
  readonly uploads: Uploads;
  readonly samples: Samples;
  readonly buildpacks: readonly Buildpack[];
  apps(): readonly Pick<AppRow, 'name' | 'folder' | 'stack'>[];
  isTaken(name: string): boolean;
  random(): number;
}

/** Where a source is, and what it is called. */
interface Place {
  readonly folder: string;
  readonly name: string;
  readonly kind: Source['kind'];
}

/** What is known of a source besides itself. */
interface Known {
  readonly name?: string | undefined;
  readonly app?: string | undefined;
}

/** The app that a source is for. */
type Target = Pick<AppRow, 'name' | 'stack'>;

type Found = Pick<
  Inspection,
  'env' | 'language' | 'processTypes' | 'files' | 'bytes' | 'commit' | 'problems'
>;

/** What a build makes of a source. */
type Made = Pick<Found, 'language' | 'processTypes'>;

/** Looks at sources before they are deployed, with the rules that a build has. */
export class Sources {
  private readonly options: SourcesOptions;

  constructor(options: SourcesOptions) {
    this.options = options;
  }

  /**
   * What a source holds, and what would make its deploy fail. A folder that is missing or cannot be read is such an answer, no error.
   * @param known what the source does not say: the name of the folder of an upload, which the browser knows, and the app that it would be
   * deployed to; without, it is the one that the folder was deployed to before
   * @throws SlipwayError `not_found` for an unknown upload or sample
   */
  async inspect(source: Source, known: Known = {}): Promise<Inspection> {
    const place = await this.place(source, known.name);
    const { options } = this;
    const isApps = (app: Pick<AppRow, 'folder'>): boolean => sameFolder(app.folder, place.folder);
    const app = place.kind === 'folder' ? options.apps().find(isApps) : undefined;
    const target = known.app === undefined ? app : options.apps().find(({ name }) => name === known.app);
    const suggestedName = suggestName(
      place.name,
      (name) => options.isTaken(name),
      () => options.random(),
    );
    return { suggestedName, ...(await this.look(place, target ?? null)), app: app?.name ?? null };
  }

  private async place(source: Source, name?: string): Promise<Place> {
    const { kind } = source;
    if (kind === 'sample') {
      return { kind, folder: await this.options.samples.folder(source.sample), name: source.sample };
    }
    if (kind === 'upload') {
      const folder = await this.options.uploads.find(source.upload);
      return { kind, folder, name: name ?? (await packageName(folder)) };
    }
    const path = expandHome(source.path);
    return { kind, folder: isAbsolute(path) ? resolve(path) : path, name: basename(path) };
  }

  /** @param app that the source is for, or null for a new one */
  private async look(place: Place, app: Target | null): Promise<Found> {
    const problems: string[] = [];
    const note = (failure: BuildFailure): void => {
      problems.push(place.kind === 'upload' ? withoutPath(failure.message, place.folder) : failure.message);
    };
    const source = await readPlace(place).catch(failureOf);
    const nothing = { env: [], language: null, processTypes: [], files: 0, bytes: 0, commit: null, problems };
    if (source instanceof BuildFailure) {
      note(source);
      if (!PARTIAL.includes(source.code)) return nothing;
      return { ...nothing, ...(await this.compiled(place, null, note)) };
    }
    if (source.bytes > SOURCE_MAX_BYTES) note(tooLarge(place.folder, SOURCE_MAX_BYTES));
    // The commit around a sample is Slipway's own.
    const commit = place.kind === 'folder' ? source.commit : null;
    const text = (await source.readFile('app.json').catch(nothingRead))?.toString('utf8') ?? null;
    const manifest = readManifest(text);
    const stack = app?.stack ?? manifest.stack;
    const built = await this.built(place, source, { name: app?.name ?? null, stack }, note);
    return { env: [...manifest.env], ...built, files: source.files, bytes: source.bytes, commit, problems };
  }

  /** What a build on a stack makes of it; Cloud Native Buildpacks tell only when they build. */
  private async built(
    place: Place,
    source: ProjectSource,
    { name, stack }: { readonly name: string | null; readonly stack: string | null },
    note: (failure: BuildFailure) => void,
  ): Promise<Made> {
    if (stack === CONTAINER_STACK) return images(source, note);
    if (stack === CNB_STACK) return { language: null, processTypes: await types(place, note) };
    return this.compiled(place, containerAdvice(source, name), note);
  }

  /** What buildpacks make of it. @param advice what could be done where none takes the folder, or null */
  private async compiled(
    place: Place,
    advice: string | null,
    note: (failure: BuildFailure) => void,
  ): Promise<Made> {
    const [language, processTypes] = await Promise.all([
      this.language(place, advice, note),
      types(place, note),
    ]);
    return { language, processTypes };
  }

  private async language(
    { folder }: Place,
    advice: string | null,
    note: (failure: BuildFailure) => void,
  ): Promise<string | null> {
    const { buildpacks } = this.options;
    const detection = await detectLanguage(buildpacks, folder);
    if (detection === 'unknown') return null;
    if (detection !== 'none') return detection.language;
    const names = buildpacks.map((each) => each.name).join(', ');
    const text = `No buildpack takes ${folder}: none finds the files that it knows an app by. There are buildpacks for: ${names}. A Node.js app, for example, needs a package.json in this folder.`;
    note(new BuildFailure('no_buildpack', withAdvice(text, advice)));
    return null;
  }
}

/** What Docker is asked to build of it. */
async function images(source: ProjectSource, note: (failure: BuildFailure) => void): Promise<Made> {
  const found = await readImagePlan(source).catch(failureOf);
  if (found instanceof BuildFailure) {
    note(found);
    return { language: null, processTypes: [] };
  }
  const types = Object.entries(found.plan.runs);
  const processTypes = types.map(([type, { command, image }]) => ({
    type,
    command: command ?? `as the image of ${image} says`,
  }));
  return { language: found.file, processTypes };
}

/** A file that cannot be read is told by the deploy. */
function nothingRead(): null {
  return null;
}

async function readPlace({ folder, kind }: Place): Promise<ProjectSource> {
  if (kind !== 'folder' || isAbsolute(folder))
    return readSource(folder, { maxFiles: MAX_FILES, maxBytes: Number.POSITIVE_INFINITY });
  throw new BuildFailure(
    'source_missing',
    `${folder} is no whole path. Write it from its beginning, for example ~/${folder}.`,
  );
}

async function types(
  { folder }: Place,
  note: (failure: BuildFailure) => void,
): Promise<Inspection['processTypes']> {
  try {
    const procfile = readProcfile(await readSmall(join(folder, 'Procfile')));
    return Object.entries(procfile.types).map(([type, command]) => ({ type, command }));
  } catch (error) {
    note(failureOf(error));
    return [];
  }
}

/** Content of a file, or null when there is none. */
async function readSmall(path: string): Promise<Buffer | null> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return null;
    if (found.size <= MAX_PROCFILE) return await readFile(path);
    throw new BuildFailure(
      'procfile_invalid',
      `${path} has ${found.size} bytes; a Procfile has at most ${MAX_PROCFILE}. Name process types in it, nothing else.`,
    );
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(systemCode(error))) return null;
    throw error;
  }
}

function failureOf(error: unknown): BuildFailure {
  if (error instanceof BuildFailure) return error;
  if (systemCode(error) === '') throw error;
  const reason = error instanceof Error ? error.message : String(error);
  return new BuildFailure(
    'source_unreadable',
    `The folder could not be looked through: ${reason}. Allow yourself to read it, and try again.`,
  );
}

/** An upload is no folder that its sender knows. */
function withoutPath(text: string, folder: string): string {
  return text.replaceAll(`The folder ${folder}`, 'The upload').replaceAll(folder, 'the upload');
}

/** The name in package.json, or nothing. */
async function packageName(folder: string): Promise<string> {
  try {
    const text = await readFile(join(folder, 'package.json'), 'utf8');
    return z.object({ name: z.string() }).parse(JSON.parse(text)).name;
  } catch {
    return '';
  }
}

function sameFolder(one: string | null, other: string): boolean {
  return one !== null && resolve(one) === other;
}
