import * as z from 'zod';
import type { BuilderProcess } from '../image-orders.ts';
import { RuntimeError } from '../runtime.ts';
import type { Daemon } from './daemon.ts';
import { explain } from './errors.ts';
import { type ImageFacts, inspectImage } from './images.ts';
import { fetchImage } from './stack-base.ts';

/** Versions of the platform interface that builds keep to (buildpacks.io: platform specification), newest last. */
const PLATFORM_APIS = ['0.7', '0.8', '0.9', '0.10', '0.11', '0.12', '0.13', '0.14'] as const;

const RunImage = z.object({ image: z.string().min(1) });
const Versions = z.array(z.string()).nullish();
const Metadata = z.object({
  stack: z.object({ runImage: RunImage.nullish().catch(null) }).nullish(),
  images: z.array(RunImage).nullish(),
  lifecycle: z.object({
    api: z.object({ platform: z.string() }).nullish().catch(null),
    apis: z.object({ platform: z.object({ supported: Versions, deprecated: Versions }) }).nullish(),
  }),
});

const Build = z.object({
  processes: z
    .array(
      z.object({
        type: z.string().min(1),
        command: z.union([z.string().transform((word) => [word]), z.array(z.string())]),
        args: z.array(z.string()).nullish(),
        default: z.boolean().nullish(),
      }),
    )
    .nullish(),
});

/** What a build has to know of an image with Cloud Native Buildpacks. */
export interface Builder {
  /** Names its content. */
  readonly id: string;
  /** User and group that buildpacks run as. */
  readonly uid: number;
  readonly gid: number;
  /** What its apps run on. */
  readonly runImage: string;
  readonly platformApi: string;
}

/**
 * Makes sure of a builder and of the image that its apps run on: fetched when they are not there.
 * @param report gets a line for each that is fetched
 * @throws RuntimeError `stack_failed` with the next step, when one cannot be fetched or is no builder
 */
export async function haveBuilder(
  daemon: Daemon,
  name: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<Builder> {
  const builder = readBuilder(name, await haveImage(daemon, name, `The builder ${name}`, report, signal));
  const what = `${builder.runImage}, which apps of the builder ${name} run on,`;
  await haveImage(daemon, builder.runImage, what, report, signal);
  return builder;
}

async function haveImage(
  daemon: Daemon,
  name: string,
  what: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<ImageFacts> {
  const look = (): Promise<ImageFacts | null> =>
    explain(`The image ${name} could not be looked up`, inspectImage(daemon, name));
  const there = await look();
  if (there !== null) return there;
  report(`Fetching ${name}`);
  const problem = await fetchImage(daemon, name, report, signal);
  const fetched = problem === null ? await look() : null;
  if (fetched !== null) return fetched;
  const reason = (problem ?? 'it went as it came').replace(/\.$/, '');
  throw unusable(
    `${what} could not be fetched: ${reason}. Try "docker pull ${name}" and deploy again, or choose another builder: slipway options builder=IMAGE.`,
  );
}

/** @throws RuntimeError `stack_failed` for an image that is no builder, or one that cannot be used */
export function readBuilder(name: string, image: Pick<ImageFacts, 'id' | 'labels' | 'env'>): Builder {
  const metadata = Metadata.safeParse(parseJson(image.labels['io.buildpacks.builder.metadata']));
  const [uid, gid] = ['CNB_USER_ID', 'CNB_GROUP_ID'].map((each) => numberOf(image.env, each));
  if (!metadata.success || uid === undefined || gid === undefined) {
    throw unusable(
      `The image ${name} is no builder of Cloud Native Buildpacks: it lacks the label io.buildpacks.builder.metadata, CNB_USER_ID or CNB_GROUP_ID. Choose another one: slipway options builder=IMAGE.`,
    );
  }
  const { stack, images, lifecycle } = metadata.data;
  const runImage = images?.[0]?.image ?? stack?.runImage?.image;
  if (runImage === undefined)
    throw unusable(
      `The builder ${name} does not say which image apps run on. Choose another one: slipway options builder=IMAGE.`,
    );
  const { supported, deprecated } = lifecycle.apis?.platform ?? {};
  const versions = [...(supported ?? []), ...(deprecated ?? []), lifecycle.api?.platform];
  const platformApi = PLATFORM_APIS.findLast((each) => versions.includes(each));
  if (platformApi === undefined) {
    const [ours, its] = [PLATFORM_APIS, versions.filter((each) => each !== undefined)].map((all) =>
      all.join(', '),
    );
    throw unusable(
      `The builder ${name} knows the platform interface in the versions ${its ?? ''}, and Slipway in ${ours ?? ''}. Choose another one: slipway options builder=IMAGE.`,
    );
  }
  return { id: image.id, uid, gid, runImage, platformApi };
}

/** Process types of an image that a lifecycle has made. @throws RuntimeError `build_failed` when it does not tell */
export function readProcesses(labels: Readonly<Record<string, string>>): BuilderProcess[] {
  const build = Build.safeParse(parseJson(labels['io.buildpacks.build.metadata']));
  if (!build.success)
    throw new RuntimeError(
      'build_failed',
      'The image does not tell its process types: its label io.buildpacks.build.metadata cannot be read. Choose another builder: slipway options builder=IMAGE.',
    );
  return (build.data.processes ?? []).map(({ type, command, args, default: isDefault }) => ({
    ...{ type, words: [...command, ...(args ?? [])], isDefault: isDefault === true },
  }));
}

function numberOf(env: readonly string[], name: string): number | undefined {
  const text = env.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function unusable(text: string): RuntimeError {
  return new RuntimeError('stack_failed', text);
}
