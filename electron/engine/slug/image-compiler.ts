import { createHash, randomUUID } from 'node:crypto';
import { CONTAINER_STACK } from '#shared/model/stack.ts';
import type { BuiltImage, ImageWish } from '../runtime/image-orders.ts';
import type { TypeImage } from '../runtime/runtime.ts';
import { readFormation } from './app-json.ts';
import { baseImages } from './base-images.ts';
import { contextOf } from './build-context.ts';
import type { CompiledSlug, CompileOrder, CompileTools } from './compile-order.ts';
import { BuildFailure } from './failure.ts';
import {
  DOCKERFILE_PLAN,
  type ImageBuild,
  type ImagePlan,
  type ImageRun,
  readHerokuYml,
} from './heroku-yml.ts';
import { bang, detail, megabytes, step } from './output-text.ts';
import { SafeText } from './safe-text.ts';
import { type ProjectSource, tellNotes } from './source.ts';
import type { ImageFile } from './stack-advice.ts';

/** How images are built, and what says so. */
interface FoundPlan {
  readonly file: ImageFile;
  readonly plan: ImagePlan;
}

/**
 * What a source for stack `container` is built to: what its `heroku.yml` says, else its Dockerfile is the web process.
 * @throws BuildFailure heroku_yml_invalid, dockerfile_missing
 */
export async function readImagePlan(source: Pick<ProjectSource, 'readFile' | 'paths'>): Promise<FoundPlan> {
  const manifest = await source.readFile('heroku.yml');
  if (manifest !== null) return { file: 'heroku.yml', plan: readHerokuYml(manifest.toString('utf8')) };
  if (source.paths.includes('Dockerfile')) return { file: 'Dockerfile', plan: DOCKERFILE_PLAN };
  throw new BuildFailure(
    'dockerfile_missing',
    'The stack of this app is container, and the source has neither heroku.yml nor Dockerfile. Add one of them, or choose a stack with buildpacks: slipway stack:set slipway-13.',
  );
}

/**
 * Builds the images of a source. Whatever goes wrong, none of them stays.
 * @throws BuildFailure with the code of what failed, RuntimeError
 */
export async function compileImages(
  order: CompileOrder,
  tools: CompileTools,
  source: ProjectSource,
): Promise<CompiledSlug> {
  const { phases, runtime, output } = tools;
  const slugId = randomUUID();
  const safe = new SafeText();
  try {
    const { plan, file, wishes } = await phases.run('detect', async () => {
      const found = await readImagePlan(source);
      output(step(`Building from ${found.file}, as the stack is container`));
      tellNotes(source, output);
      if (source.paths.includes('Procfile'))
        output(detail('The Procfile is not used: "run:" of heroku.yml has the commands, else the image.'));
      return { ...found, wishes: await wishesOf(source, found.plan) };
    });
    const images = await phases.run('compile', () =>
      runtime.buildImages(
        {
          ...{ appId: order.appId, slugId, images: wishes, args: plan.args, clearCache: order.clearCache },
          onBegin: ({ type }) => {
            const { at = '', ignored = 0 } = wishes.find((wish) => wish.type === type) ?? {};
            output(`=== Building ${type} (${at})\n`);
            if (ignored > 0) output(detail(`.dockerignore leaves out ${ignored} of the files.`));
          },
          onOutput: (text) => {
            output(safe.write(text));
          },
          onWarning: (text) => {
            output(bang(`Warning: ${text}`));
          },
        },
        tools.signal,
      ),
    );
    const types = await phases.run('types', () => typesOf(plan, images, output));
    const formation = order.first ? await formationOf(source, Object.keys(types.commands), output) : [];
    return await phases.run('pack', () => {
      const size = [...images.values()].reduce((sum, image) => sum + image.bytes, 0);
      output(step('Keeping the images'));
      output(detail(`Done: ${megabytes(size)}`));
      return {
        ...{ id: slugId, size, parts: [], formation, detected: null },
        ...{ commit: source.commit, changed: source.changed },
        ...{ sha256: imagesDigest(types.images), images: types.images, processTypes: types.commands },
        ...{ language: file, stack: CONTAINER_STACK },
        wishes: { config_vars: { ...plan.config }, addons: [...plan.addons] },
      };
    });
  } catch (error) {
    await runtime.unstage(slugId).catch(() => undefined);
    throw error;
  }
}

/** An image to be built, where its Dockerfile is in the source, and how many files `.dockerignore` leaves out. */
type FoundWish = ImageWish & { readonly at: string; readonly ignored: number };

function wishesOf(source: ProjectSource, { builds, args }: ImagePlan): Promise<FoundWish[]> {
  return Promise.all(builds.map((build) => wishOf(source, build, args)));
}

async function wishOf(
  source: ProjectSource,
  { type, dockerfile, target }: ImageBuild,
  args: ImagePlan['args'],
): Promise<FoundWish> {
  const context = await contextOf(source, dockerfile);
  const bases = baseImages((await source.readFile(dockerfile))?.toString('utf8') ?? '', args);
  return {
    ...{ type, target, bases, dockerfile: context.dockerfile, context: () => context.open() },
    ...{ at: dockerfile, ignored: context.ignored },
  };
}

/** Stands for the content of a slug of images, as the SHA-256 of its archive does for another one; of one image it is the image's own. */
export function imagesDigest(images: Readonly<Record<string, TypeImage>>): string {
  const ids = [...new Set(Object.values(images).map(({ id }) => id))].sort();
  const [only = '', ...others] = ids;
  const own = /^sha256:([0-9a-f]{64})$/.exec(only)?.[1];
  if (own !== undefined && others.length === 0) return own;
  return createHash('sha256').update(ids.join(' ')).digest('hex');
}

interface FoundTypes {
  readonly commands: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, TypeImage>>;
}

function typesOf(
  plan: ImagePlan,
  built: ReadonlyMap<string, BuiltImage>,
  output: (text: string) => void,
): FoundTypes {
  const commands: Record<string, string> = {};
  const images: Record<string, TypeImage> = {};
  output(step('Discovering process types'));
  for (const [type, run] of Object.entries(plan.runs)) {
    const image = built.get(run.image);
    if (image === undefined) throw new Error(`no image of ${run.image} was built`);
    const start = startOf(type, run, image);
    commands[type] = start.text;
    images[type] = { id: image.id, reference: image.reference, arguments: start.exact };
    output(detail(`${type} -> ${start.text}${run.image === type ? '' : ` (image of ${run.image})`}`));
  }
  return { commands, images };
}

/**
 * How a type is started: by the command that was said, or the image's own. What has no entry point is run by a shell, so that
 * $PORT stands for the port in either form of CMD, as on the platform.
 */
function startOf(
  type: string,
  { command }: ImageRun,
  { entrypoint, command: own }: BuiltImage,
): { text: string; exact: readonly string[] | null } {
  if (command !== null) return { text: command, exact: null };
  if (entrypoint.length > 0) return { text: shellText([...entrypoint, ...own]), exact: own };
  if (own.length > 0) return { text: shellText(own), exact: null };
  throw new BuildFailure(
    'procfile_invalid',
    `Nothing says how ${type} is started: its image has neither CMD nor ENTRYPOINT. Add CMD to its Dockerfile, or a command to "run:" in heroku.yml.`,
  );
}

/** Words as one shell command; variables in them stay what they are. */
export function shellText(words: readonly string[]): string {
  const [shell, option, text, ...more] = words;
  if (shell === '/bin/sh' && option === '-c' && text !== undefined && more.length === 0) return text;
  return words
    .map((word) => (/^[\w@%+=:,./${}-]+$/.test(word) ? word : `"${word.replace(/["\\`]/g, '\\$&')}"`))
    .join(' ');
}

/** Formation that `app.json` of a source asks for. */
export async function formationOf(
  source: ProjectSource,
  types: readonly string[],
  output: (text: string) => void,
): Promise<CompiledSlug['formation']> {
  const bytes = await source.readFile('app.json');
  if (bytes === null) return [];
  const { rows, warnings } = readFormation(bytes.toString('utf8'), types);
  for (const text of warnings) output(bang(`Warning: ${text}`));
  return rows;
}
