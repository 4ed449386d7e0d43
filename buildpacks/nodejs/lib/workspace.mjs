import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './files.mjs';
import { LIFECYCLE } from './project.mjs';

/** Settings by which pnpm has packages elsewhere than in a node_modules beside each package.json. */
const ELSEWHERE = /modules-?dir|virtual-?store|global-?virtual|node-?linker['"]?\s*[:=]\s*['"]?pnp/i;
/** Marks of a lock file whose packages are copies of files of the project (pnpm: injectWorkspacePackages, file:). */
const COPIES = /^\s*injectWorkspacePackages:\s*true|\btype:\s*directory\b/m;

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
