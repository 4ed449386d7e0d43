import * as z from 'zod';

/** What a dyno of one size gets. Source of the figures: reference heroku-platform 3.8. */
export interface DynoSize {
  /** Canonical name, as the platform prints it. */
  readonly name: string;
  /** Memory quota in MiB. */
  readonly memoryMiB: number;
  /** Relative CPU weight; 1 is a standard-1x dyno. */
  readonly cpuShare: number;
  /** Most processes and threads in the dyno. */
  readonly maxProcesses: number;
  /** Most dynos of one process type at this size. */
  readonly maxDynos: number;
}

const size = (
  name: string,
  memoryMiB: number,
  cpuShare: number,
  maxProcesses: number,
  maxDynos: number,
): DynoSize => ({ name, memoryMiB, cpuShare, maxProcesses, maxDynos });

/** All sizes, smallest first. */
export const DYNO_SIZES: readonly DynoSize[] = [
  size('Eco', 512, 1, 256, 1),
  size('Basic', 512, 1, 256, 1),
  size('Standard-1X', 512, 1, 256, 100),
  size('Standard-2X', 1024, 2, 512, 100),
  size('Performance-M', 2560, 12, 16_384, 100),
  size('Performance-L', 14_336, 50, 32_768, 100),
  size('Performance-L-RAM', 30_720, 24, 32_768, 100),
  size('Performance-XL', 63_488, 50, 32_768, 100),
  size('Performance-2XL', 129_024, 100, 32_768, 100),
];

/** Sizes that an app has for all its process types or for none (reference: heroku-platform 3.8). */
const UNMIXED = ['Eco', 'Basic'];

/** True for a size that all process types of an app share. */
export function isUnmixed(name: string): boolean {
  return UNMIXED.includes(name);
}

/** Memory in MiB that a dyno gets on a machine: its quota, or all that there is when that is less. */
export function memoryOn(machineMiB: number, { memoryMiB }: DynoSize): number {
  return Math.min(memoryMiB, Math.floor(machineMiB));
}

/** `512 MB`, `2.5 GB`: memory as people read it. */
export function memoryText(mebibytes: number): string {
  return mebibytes < 1024 ? `${mebibytes} MB` : `${Number((mebibytes / 1024).toFixed(1))} GB`;
}

/** `Performance-L, 14 GB, this machine has 7.8 GB`: a size, and what the machine that dynos run on has when that is less. */
export function sizeText(size: DynoSize, machineMiB: number): string {
  const memory = memoryOn(machineMiB, size);
  const less = memory < size.memoryMiB ? `, this machine has ${memoryText(memory)}` : '';
  return `${size.name}, ${memoryText(size.memoryMiB)}${less}`;
}

/** Size of a new process type. Local machines have no bill, so it is the smallest size that may run many dynos. */
export const DEFAULT_SIZE = 'Standard-1X';

/** Size by name, any case; undefined when there is none. */
export function findSize(name: string): DynoSize | undefined {
  const wanted = name.toLowerCase();
  return DYNO_SIZES.find((candidate) => candidate.name.toLowerCase() === wanted);
}

/** Accepts a size name in any case and gives back the canonical one. */
export const DynoSizeName = z.string().transform((name, context) => {
  const found = findSize(name);
  if (found) return found.name;
  context.addIssue({
    code: 'custom',
    message: `there is no dyno size "${name}"; sizes are ${DYNO_SIZES.map((each) => each.name).join(', ')}`,
  });
  return z.NEVER;
});
