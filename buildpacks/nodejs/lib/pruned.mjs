import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { moveFromLastBuild } from './files.mjs';

/** Says in a build folder what node_modules was pruned from, where scripts had left it as it was installed. */
const PROOF = '.heroku/node_modules.pruned';

/**
 * Names what node_modules holds by paths, sizes and times; so it is seen whether a script has changed it.
 * @param {string} folder of the project
 */
export function stateOfModules(folder) {
  const root = join(folder, 'node_modules');
  if (!existsSync(root)) return '';
  const hash = createHash('sha256');
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => !each.isDirectory())) {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = lstatSync(path);
    hash.update(`${path.slice(root.length)}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * True when the last build has pruned packages from the same, and its scripts had left them as they were installed.
 * @param {string} key what the packages were installed from
 */
export function wasUntouched(key) {
  const proof = join(process.env.SLIPWAY_LAST_BUILD ?? '', PROOF);
  return existsSync(proof) && readFileSync(proof, 'utf8') === key;
}

/**
 * Takes the pruned packages of the last build in the place of those that are there, if they come from the same.
 * @param {string} folder of the project
 * @param {string} key what the packages were installed from
 * @param {(modules: string) => void} clear takes away those that are there
 * @returns {boolean} whether they were taken
 */
export function takePruned(folder, key, clear) {
  const taken = join(folder, '.heroku', 'node_modules.taken');
  if (!moveFromLastBuild('node_modules', taken, [PROOF, key])) return false;
  clear(join(folder, 'node_modules'));
  renameSync(taken, join(folder, 'node_modules'));
  notePruned(folder, key);
  return true;
}

/** @param {string} folder of the project @param {string} key */
export function notePruned(folder, key) {
  writeFileSync(join(folder, PROOF), key);
}
