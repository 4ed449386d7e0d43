import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Root of sources or package: this file is two folders below it, and so is every bundle that it ends up in. */
const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Path of something that other programs read as real files, such as `buildpacks`.
 * In development it is in the repository; in the packaged app it lies beside the archive that holds the code.
 */
export function resourcePath(name: string, root = ROOT): string {
  return join(basename(root) === 'app.asar' ? dirname(root) : root, name);
}

/** Path of something that only our own code reads, such as `dist/renderer`; in the packaged app it is in the archive. */
export function codePath(...names: string[]): string {
  return join(ROOT, ...names);
}

/** Version of the product. */
export function productVersion(): string {
  const { version } = JSON.parse(readFileSync(codePath('package.json'), 'utf8')) as { version: string };
  return version;
}
