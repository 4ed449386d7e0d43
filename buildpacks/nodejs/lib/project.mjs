import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from './output.mjs';

/** Lock files and the package manager that each belongs to. */
const LOCKS = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['yarn.lock', 'yarn'],
  ['pnpm-lock.yaml', 'pnpm'],
];

/** Scripts of the project that an installation runs itself, in npm's order. */
export const LIFECYCLE = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
];

/**
 * What the project says about itself.
 * @typedef {object} Project
 * @property {string} folder
 * @property {Record<string, any>} manifest package.json
 * @property {Record<string, string>} scripts
 * @property {'npm' | 'yarn' | 'pnpm'} manager
 * @property {string | null} lock name of the lock file
 * @property {boolean} runsScripts whether anything of the project runs during the build
 */

/**
 * Reads package.json and the lock files.
 * @param {string} folder
 * @returns {Project}
 */
export function readProject(folder) {
  const manifest = readManifest(folder);
  const locks = LOCKS.filter(([file]) => existsSync(join(folder, file)));
  const managers = new Set(locks.map(([, manager]) => manager));
  if (managers.size > 1) {
    const names = locks.map(([file]) => file).join(' and ');
    throw new BuildError(
      `The project has ${names}, of different package managers. Keep the one you use, and delete the other.`,
    );
  }
  const wanted = /^(npm|yarn|pnpm)@/.exec(String(manifest.packageManager ?? ''))?.[1];
  const scripts = typeof manifest.scripts === 'object' && manifest.scripts !== null ? manifest.scripts : {};
  const running = [...LIFECYCLE, 'build', 'heroku-prebuild', 'heroku-postbuild', 'heroku-cleanup'];
  return {
    folder,
    manifest,
    scripts,
    manager: /** @type {any} */ (locks[0]?.[1] ?? wanted ?? 'npm'),
    lock: locks[0]?.[0] ?? null,
    runsScripts: running.some((name) => name in scripts),
  };
}

/** @param {string} folder */
function readManifest(folder) {
  const text = readFileSync(join(folder, 'package.json'), 'utf8').replace(/^\uFEFF/, '');
  try {
    const manifest = JSON.parse(text);
    if (typeof manifest === 'object' && manifest !== null && !Array.isArray(manifest)) return manifest;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BuildError(`package.json is no valid JSON: ${reason}\nCorrect it, and deploy again.`);
  }
  throw new BuildError('package.json holds no JSON object. Correct it, and deploy again.');
}

/**
 * Version of the lock file's format; null when it names none, as that of Yarn 1.
 * @param {import('./project.mjs').Project} project
 */
export function lockVersion({ folder, lock, manager }) {
  if (lock === null || manager === 'npm') return null;
  const head = readFileSync(join(folder, lock), 'utf8').slice(0, 4_096);
  const pattern =
    manager === 'pnpm' ? /^lockfileVersion:\s*['"]?([\d.]+)/m : /^__metadata:\s*\n\s+version:\s*['"]?(\d+)/m;
  const found = pattern.exec(head)?.[1];
  return found === undefined ? null : Number(found);
}

/** Fields of package.json that decide what is installed. */
const DECIDING = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
  'overrides',
  'resolutions',
  'workspaces',
  'pnpm',
];

/**
 * Names everything that decides what an installation puts into node_modules: equal keys, equal content.
 * @param {Project} project
 * @param {Record<string, string>} tools versions in use
 * @param {string[]} packages folders of a workspace's packages, whose package.json decides as well
 */
export function installKey(project, tools, packages) {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([2, tools, process.platform, process.arch, project.runsScripts]));
  hash.update(JSON.stringify(DECIDING.map((field) => project.manifest[field])));
  const manifests = packages.filter((name) => name !== '.').map((name) => join(name, 'package.json'));
  const settings = ['.npmrc', '.yarnrc', '.yarnrc.yml', 'pnpm-workspace.yaml', '.pnpmfile.cjs'];
  for (const file of [project.lock, ...settings, ...manifests]) {
    if (file !== null && existsSync(join(project.folder, file)))
      hash.update(readFileSync(join(project.folder, file)));
  }
  for (const name of Object.keys(process.env).sort()) {
    if (/^(npm_config_|yarn_|node_env$|use_)/i.test(name)) hash.update(`${name}=${process.env[name]}\n`);
  }
  return hash.digest('hex');
}

/**
 * Exports config vars as buildpacks do: one file each in ENV_DIR, but none that would break the build itself
 * (reference: heroku-platform 2.3).
 * @param {string} folder
 */
export function exportConfig(folder) {
  const kept = /^(PATH|GIT_DIR|CPATH|CPPATH|LD_PRELOAD|LIBRARY_PATH|LANG|BUILD_DIR|HOME)$/;
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (!kept.test(name)) process.env[name] = readFileSync(join(folder, name), 'utf8');
  }
}
