import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJson } from './files.mjs';
import { major } from './managers.mjs';
import { LIFECYCLE } from './project.mjs';

/** Settings by which pnpm has packages elsewhere than in a node_modules beside each package.json. */
const ELSEWHERE = /modules-?dir|virtual-?store|global-?virtual|node-?linker['"]?\s*[:=]\s*['"]?pnp/i;
/** Marks of a lock file whose packages are copies of files of the project (pnpm: injectWorkspacePackages, file:). */
const COPIES = /^\s*injectWorkspacePackages:\s*true|\btype:\s*directory\b/m;

/** Settings by which npm and Yarn 1 copy or lay out packages in other ways, in files and names of variables. */
const OTHERWISE = /install[-_]?links|install[-_]?strategy|modules[-_]?folder/i;
/** Ranges of dependencies that lie in the project itself, and so are not decided by the lock file. */
const LOCAL = /^(file|link|portal|workspace):|^(\.{0,2}|~)\/|^(?!https?:).*\.(tgz|tar|tar\.gz)$/;

/** Fields of package.json with such ranges by name. */
const RANGES = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'resolutions'];

/** Whether the project is a workspace of pnpm. @param {import('./project.mjs').Project} project */
export function isPnpmWorkspace({ manager, folder }) {
  return manager === 'pnpm' && existsSync(join(folder, 'pnpm-workspace.yaml'));
}

/**
 * The packages of a workspace of pnpm, relative to the project, where what is installed for them is decided by the lock file and their
 * package.json alone; null where it is not: where an installation runs scripts of theirs, links their programs or copies their files.
 * @param {import('./project.mjs').Project} project
 * @returns {string[] | null}
 */
export function workspacePackages({ folder, lock }) {
  if (lock === null) return null;
  const text = readFileSync(join(folder, lock), 'utf8');
  const packages = importers(text);
  const settings = ['.npmrc', 'pnpm-workspace.yaml'].map((name) => textOf(join(folder, name))).join('\n');
  if (!packages.includes('.') || COPIES.test(text) || ELSEWHERE.test(settings)) return null;
  const fits = packages.every((name) => {
    const manifest = readJson(join(folder, name, 'package.json'));
    return manifest !== null && !name.split('/').includes('..') && isPlain(manifest);
  });
  return fits ? packages : null;
}

/**
 * The same of a workspace of npm, or of Yarn 1: those folders with a package.json that `workspaces` names.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @returns {string[] | null}
 */
export function namedPackages({ manager, manifest, folder, lock }, tools) {
  if (lock === null || manager === 'pnpm' || (manager === 'npm' && major(tools.npm) < 7)) return null;
  const settings = ['.npmrc', '.yarnrc'].map((name) => textOf(join(folder, name)));
  const variables = Object.keys(process.env).filter((name) => /^(npm_config|yarn)_/i.test(name));
  if (OTHERWISE.test([...settings, ...variables].join('\n'))) return null;
  const names = foldersOf(manifest.workspaces?.packages ?? manifest.workspaces, folder);
  if (names === null || names.length === 0) return null;
  if (manager === 'npm' && !locksExactly(readJson(join(folder, lock)), names)) return null;
  const fits = names.every((name) => {
    const place = join(folder, name);
    const own = readJson(join(place, 'package.json'));
    const inside = realpathSync(place) === join(realpathSync(folder), name);
    return inside && own !== null && isPlain(own) && !isLocal(own) && !existsSync(join(place, 'binding.gyp'));
  });
  return fits && !isLocal(manifest) ? ['.', ...names] : null;
}

/**
 * Folders with a package.json that patterns of `workspaces` fit, in order; null where a pattern excludes some or leads out.
 * @param {unknown} patterns @param {string} folder of the project
 */
function foldersOf(patterns, folder) {
  if (!Array.isArray(patterns) || !patterns.every((each) => /^(?!!|\/)/.test(String(each)))) return null;
  const wanted = patterns.map((pattern) => `${pattern.replace(/\/+$/, '')}/package.json`);
  const found = globSync(wanted, { cwd: folder, exclude: ['**/node_modules/**'] });
  const names = [...new Set(found.map((file) => dirname(file)))].sort();
  return names.some((name) => name === '.' || name.split('/').includes('..')) ? null : names;
}

/**
 * Whether npm's lock file has just these packages of the project, and none that is made of files.
 * @param {any} lock @param {string[]} names
 */
function locksExactly(lock, names) {
  const packages = Object.entries(lock?.packages ?? {});
  const own = packages
    .map(([path]) => path)
    .filter((path) => path !== '' && !/(^|\/)node_modules\//.test(path));
  const files = packages.some(([, { resolved }]) => /^file:/.test(resolved ?? ''));
  return !files && own.sort().join('\0') === names.join('\0');
}

/** @param {Record<string, any>} manifest */
function isLocal(manifest) {
  const named = RANGES.flatMap((field) => Object.values(manifest[field] ?? {}));
  const ranges = [...named, ...JSON.stringify(manifest.overrides ?? {}).split('"')];
  return ranges.some((range) => LOCAL.test(String(range)));
}

/** @param {Record<string, any>} manifest of a package of the workspace */
function isPlain({ scripts = {}, bin, directories, dependenciesMeta = {} }) {
  const injected = Object.values(dependenciesMeta).some((meta) => meta?.injected === true);
  const runs = ['pnpm:devPreinstall', ...LIFECYCLE].some((name) => name in scripts);
  return !injected && !runs && bin === undefined && directories?.bin === undefined;
}

/**
 * Keys of `importers` in a lock file, which are the folders of the workspace's packages. pnpm writes it by itself, so that its lines
 * are known to look like this.
 * @param {string} lock text of pnpm-lock.yaml
 */
function importers(lock) {
  const section = /^importers:[ \t]*\r?\n((?:(?:[ \t].*)?\r?\n)*)/m.exec(lock)?.[1] ?? '';
  return [...section.matchAll(/^ {2}(?! )(['"]?)(.+?)\1:(?: \{\})?\s*$/gm)].map(([, , name = '']) => name);
}

/** @param {string} file */
function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
