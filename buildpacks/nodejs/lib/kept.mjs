import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyFolder, move, moveFromLastBuild } from './files.mjs';
import { isBerry } from './managers.mjs';
import { wasUntouched } from './pruned.mjs';
import { isPnpmWorkspace, namedPackages, workspacePackages } from './workspace.mjs';

/** Says in a build folder what its packages were installed from. */
export const KEY_FILE = '.heroku/node_modules.key';

/** Folder of the cache with what packages of a workspace have in their own node_modules. */
const WORKSPACE = 'workspace';

/**
 * Takes what was installed before, if it was installed from the same.
 * @param {import('./project.mjs').Project} project
 * @param {string} cacheDir
 * @param {string} key
 * @param {string[]} packages folders that have a node_modules
 * @returns {Promise<'no' | 'yes' | 'borrowed'>} whether all of it is there; borrowed packages are the cache's own, see `giveBack`
 */
export async function restore(project, cacheDir, key, packages) {
  if (!project.runsScripts)
    return packages.every((name) => moveModules(project.folder, name, key)) ? 'yes' : 'no';
  const proof = keptModules(cacheDir, '.', '.key');
  const known = existsSync(proof) ? readFileSync(proof, 'utf8') : '';
  if (known !== key || !existsSync(keptModules(cacheDir, '.'))) return 'no';
  const modules = join(project.folder, 'node_modules');
  if (wasUntouched(key) && packages.length === 1 && move(keptModules(cacheDir, '.'), modules)) {
    rmSync(proof);
    return 'borrowed';
  }
  for (const name of packages) {
    const kept = keptModules(cacheDir, name);
    if (existsSync(kept)) await copyFolder(kept, join(project.folder, name, 'node_modules'));
  }
  return 'yes';
}

/**
 * Puts borrowed packages back into the cache.
 * @param {string} modules where they are
 * @param {string} cacheDir
 * @param {string} key what they were installed from
 */
export function giveBack(modules, cacheDir, key) {
  if (move(modules, keptModules(cacheDir, '.'))) writeFileSync(keptModules(cacheDir, '.', '.key'), key);
  else rmSync(modules, { recursive: true, force: true });
}

/**
 * Packages without dependencies have no node_modules; the project itself always has one that is known.
 * @param {string} folder of the project
 * @param {string} name of a package's folder
 * @param {string} key
 */
function moveModules(folder, name, key) {
  const path = join(name, 'node_modules');
  if (name !== '.' && !existsSync(join(process.env.SLIPWAY_LAST_BUILD ?? '', path))) return true;
  return moveFromLastBuild(path, join(folder, path), [KEY_FILE, key]);
}

/**
 * Puts copies into the cache.
 * @param {import('./project.mjs').Project} project
 * @param {string} cacheDir
 * @param {string} key
 * @param {string[]} packages folders that have a node_modules
 */
export async function keep(project, cacheDir, key, packages) {
  const proof = keptModules(cacheDir, '.', '.key');
  rmSync(proof, { force: true });
  rmSync(join(cacheDir, WORKSPACE), { recursive: true, force: true });
  if (!existsSync(join(project.folder, 'node_modules'))) return;
  for (const name of packages) {
    const modules = join(project.folder, name, 'node_modules');
    if (existsSync(modules)) await copyFolder(modules, keptModules(cacheDir, name));
  }
  writeFileSync(proof, key);
}

/** @param {string} cacheDir @param {string} name of a package's folder @param {string} [ending] */
function keptModules(cacheDir, name, ending = '') {
  return join(cacheDir, name === '.' ? '' : join(WORKSPACE, name), `node_modules${ending}`);
}

/**
 * Folders whose node_modules is decided by the lock file and the package.json files; null where one is not, or where packages lie elsewhere.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @returns {string[] | null}
 */
export function packagesToKeep(project, tools) {
  if (isBerry(tools)) return null;
  if (isPnpmWorkspace(project)) return workspacePackages(project);
  if (project.manifest.workspaces !== undefined) return namedPackages(project, tools);
  return hasPackagesOfItsOwn(project) ? null : ['.'];
}

/**
 * True when the project holds further packages, each with a node_modules that the one at the top is not the whole of.
 * @param {import('./project.mjs').Project} project
 */
function hasPackagesOfItsOwn({ manifest, folder }) {
  if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return true;
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  return Object.values(all).some((range) => /^(file|link|portal|workspace):/.test(String(range)));
}
