import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockVersion } from './project.mjs';

/** Advice that npm prints and nobody in a build follows. */
const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier'];

/**
 * What becomes of devDependencies: whether they are installed and pruned again, and why when the user had it otherwise.
 * @typedef {{ install: boolean, prune: boolean, why: string | null }} DevRule
 */

/**
 * Config vars decide as with the platform's buildpack: NPM_CONFIG_PRODUCTION or YARN_PRODUCTION when set, else NODE_ENV. Without a
 * script that could need them they are not even installed.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @returns {DevRule}
 */
export function devRule({ manager, runsScripts }, tools) {
  const { env } = process;
  const name = { npm: 'NPM_CONFIG_PRODUCTION', yarn: 'YARN_PRODUCTION', pnpm: '' }[manager];
  const skip = { npm: '', yarn: isBerry(tools) ? 'YARN2_SKIP_PRUNING' : '', pnpm: 'PNPM_SKIP_PRUNING' }[
    manager
  ];
  const asked = env[name] ?? '';
  if (asked === 'true') return { install: false, prune: isBerry(tools), why: null };
  const keeper = [asked !== '' && name, env[skip] === 'true' && skip].find((each) => each !== false);
  if (keeper !== undefined) return { install: true, prune: false, why: `${keeper} is '${env[keeper]}'` };
  if (env.NODE_ENV !== 'production') {
    return { install: true, prune: false, why: `NODE_ENV is '${env.NODE_ENV}', not 'production'` };
  }
  return { install: runsScripts, prune: runsScripts || isBerry(tools), why: null };
}

/**
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @param {{ dev: boolean, scripts: boolean }} what devDependencies as well; scripts of packages and project
 * @returns {[program: string, ...args: string[]]}
 */
export function installCommand(project, tools, { dev, scripts }) {
  const { manager, lock } = project;
  if (manager === 'yarn' && isBerry(tools)) return ['yarn', 'install', ...(lock ? ['--immutable'] : [])];
  if (manager === 'yarn') {
    const frozen = lock ? ['--frozen-lockfile'] : [];
    return ['yarn', 'install', ...frozen, '--non-interactive', '--ignore-engines', `--production=${!dev}`];
  }
  if (manager === 'pnpm') {
    return ['pnpm', 'install', ...(lock ? ['--frozen-lockfile'] : []), dev ? '--prod=false' : '--prod'];
  }
  const verb = lock !== null && process.env.USE_NPM_INSTALL !== 'true' ? 'ci' : 'install';
  const omit = dev ? '--include=dev' : '--omit=dev';
  return ['npm', verb, omit, ...(scripts ? [] : ['--ignore-scripts']), ...QUIET, '--prefer-offline'];
}

/**
 * Null when the tool cannot remove devDependencies.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @returns {[program: string, ...args: string[]] | null}
 */
export function pruneCommand({ manager, folder }, tools) {
  if (manager === 'npm') return ['npm', 'prune', '--omit=dev', '--ignore-scripts', ...QUIET];
  if (manager === 'pnpm') return ['pnpm', 'prune', '--prod'];
  if (!isBerry(tools)) {
    const rest = ['--prefer-offline', '--ignore-engines', '--non-interactive'];
    return ['yarn', 'install', '--production', '--ignore-scripts', ...rest];
  }
  const focuses = major(tools.yarn) >= 4 || berrySettings(folder).includes('plugin-workspace-tools');
  return focuses ? ['yarn', 'workspaces', 'focus', '--all', '--production'] : null;
}

/** @param {import('./toolchain.mjs').Tools} tools */
export function isBerry(tools) {
  return tools.yarn !== undefined && major(tools.yarn) > 1;
}

/**
 * True when packages stay in zip files that the app reads at run time, so that they belong into the slug.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 */
export function isPnp({ folder }, tools) {
  const linker = /^\s*nodeLinker:\s*["']?([\w-]+)/m.exec(berrySettings(folder))?.[1] ?? 'pnp';
  return isBerry(tools) && (process.env.YARN_NODE_LINKER ?? linker) === 'pnp';
}

/** Text of .yarnrc.yml; empty when there is none. @param {string} folder */
export function berrySettings(folder) {
  const file = join(folder, '.yarnrc.yml');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** @param {string | undefined} version */
export function major(version) {
  return Number((version ?? '').split('.')[0]);
}

/**
 * Package managers keep what they download with all other downloads; what the app reads at run time with the app.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 */
export function managerEnv(project, tools) {
  const downloads = process.env.SLIPWAY_DOWNLOADS ?? '';
  const own = isPnp(project, tools);
  const berry = { YARN_ENABLE_GLOBAL_CACHE: 'false', YARN_ENABLE_TELEMETRY: '0' };
  // In a build that is not by hand Yarn refuses to make a lock file where there is none, and to bring an older format up to date.
  const format = major(tools.yarn) >= 4 ? lockVersion(project) : null;
  const free = {
    ...(project.lock === null ? { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' } : {}),
    ...(format === null ? {} : { YARN_LOCKFILE_VERSION_OVERRIDE: String(format) }),
  };
  return {
    npm_config_cache: join(downloads, 'npm'),
    YARN_CACHE_FOLDER: own ? join(project.folder, '.yarn', 'cache') : join(downloads, 'yarn'),
    ...(isBerry(tools) ? { ...berry, ...free } : {}),
    XDG_CACHE_HOME: join(downloads, 'cache'),
    XDG_DATA_HOME: join(downloads, 'data'),
    CI: 'true',
  };
}
