import * as z from 'zod';
import type { RuntimeDiskPart } from '../runtime.ts';
import type { Daemon } from './daemon.ts';
import { LABEL } from './names.ts';
import { buildImage, FETCHED_STACKS, runImage, runPackages, STACK } from './stack-recipe.ts';

const Labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});
const Bytes = z.number().catch(0);

const DiskFree = z.object({
  Images: z
    .array(z.object({ RepoTags: z.array(z.string()).nullish(), Size: Bytes, SharedSize: Bytes, Labels }))
    .nullish(),
  Containers: z.array(z.object({ SizeRw: Bytes, Labels })).nullish(),
  Volumes: z.array(z.object({ UsageData: z.object({ Size: Bytes }).nullish(), Labels })).nullish(),
});
type DiskFree = z.output<typeof DiskFree>;
type Image = NonNullable<DiskFree['Images']>[number];

/** What an engine's things in Docker take on the disk. */
export async function dockerDiskUse(daemon: Daemon, owner: string): Promise<RuntimeDiskPart[]> {
  const answer = await daemon.json({ method: 'GET', path: '/system/df', ok: [200] });
  return summarize(DiskFree.parse(answer), owner);
}

/** The parts, from what Docker tells of everything that it has. */
function summarize({ Images, Containers, Volumes }: DiskFree, owner: string): RuntimeDiskPart[] {
  const own = (kind: string) => (row: { Labels: Readonly<Record<string, string>> }) =>
    row.Labels[LABEL.owner] === owner && row.Labels[LABEL.kind] === kind;
  const images = Images ?? [];
  const volumes = (kind: string): number =>
    sum((Volumes ?? []).filter(own(kind)).map((row) => Math.max(0, row.UsageData?.Size ?? 0)));
  const containers = (kind: string): number =>
    sum((Containers ?? []).filter(own(kind)).map((row) => row.SizeRw));
  const staged = images.filter((image) => own('slug')(image) || own('layer')(image));
  const built = images.filter(own('image'));
  return [
    { name: 'Build caches', bytes: volumes('cache'), removable: true },
    { name: 'Downloads', bytes: volumes('downloads'), removable: true },
    {
      name: 'Slugs ready to run',
      bytes: stagedBytes(staged, sizeOf(images, runImage(STACK))),
      removable: true,
    },
    {
      name: 'Images of releases',
      bytes: sum(built.map(({ Size, SharedSize }) => Math.max(0, Size - Math.max(0, SharedSize)))),
      removable: false,
    },
    { name: 'Dynos', bytes: containers('dyno') + containers('build'), removable: false },
    { name: 'Stack images', bytes: stackBytes(images), removable: false },
  ];
}

/** The two images of each stack; what the run image is made from is in both. */
function stackBytes(images: readonly Image[]): number {
  return sum(
    [STACK, ...Object.keys(FETCHED_STACKS)].map((stack) => {
      const common = sizeOf(images, runPackages(stack));
      const run = sizeOf(images, runImage(stack));
      return sizeOf(images, buildImage(stack)) + Math.max(0, run - (common === 0 ? run : common));
    }),
  );
}

/**
 * Layers above the run image: those that an image has alone, and for each app the largest piece that its images share, since
 * slugs of an app share what they begin with.
 */
function stagedBytes(images: readonly Image[], base: number): number {
  const sharedByApp = new Map<string, number>();
  let alone = 0;
  for (const image of images) {
    const shared = Math.max(image.SharedSize, Math.min(base, image.Size));
    alone += Math.max(0, image.Size - shared);
    const app = image.Labels[LABEL.app] ?? '';
    sharedByApp.set(app, Math.max(sharedByApp.get(app) ?? 0, shared - base));
  }
  return alone + sum([...sharedByApp.values()]);
}

function sizeOf(images: readonly Image[], tag: string): number {
  return images.find((image) => image.RepoTags?.includes(tag))?.Size ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
