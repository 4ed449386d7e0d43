import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyFolder, moveFromLastBuild } from './files.mjs';
import { detail, step } from './output.mjs';
import { installKey } from './project.mjs';
import { run } from './run.mjs';

/** What the project's own installation scripts are called, in npm's order. */
const LIFECYCLE = ['preinstall', 'install', 'postinstall', 'prepare'];

/** Says in a build folder what its node_modules was installed from. */
const KEY_FILE = '.heroku/node_modules.key';

/**
 * Installs the project's packages, or takes those of the last build when nothing that decides them has changed. Where scripts of
 * the project run, which may change what is installed, a copy from before them is kept in the cache for that.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @param {string} cacheDir
 */
export async function installPackages(project, tools, cacheDir) {
  const key = installKey(project, tools);
  if (!isBerry(tools) && (await restore(project, cacheDir, key))) {
    step('Restoring cache');
    detail('node_modules is taken from the last build: its lock file is the same');
    if (project.runsScripts) await runScripts(project, tools, LIFECYCLE);
  } else {
    step('Installing dependencies');
    await install(project, tools);
    if (project.runsScripts && !isBerry(tools)) await keep(project, cacheDir, key);
  }
  writeFileSync(join(project.folder, KEY_FILE), key);
}

/** @param {import('./project.mjs').Project} project @param {string} cacheDir @param {string} key */
async function restore(project, cacheDir, key) {
  if (hasPackagesOfItsOwn(project)) return false;
  const modules = join(project.folder, 'node_modules');
  if (!project.runsScripts) return moveFromLastBuild('node_modules', modules, [KEY_FILE, key]);
  const kept = join(cacheDir, 'node_modules');
  const known = existsSync(`${kept}.key`) ? readFileSync(`${kept}.key`, 'utf8') : '';
  if (known !== key || !existsSync(kept)) return false;
  await copyFolder(kept, modules);
  return true;
}

/** @param {import('./project.mjs').Project} project @param {string} cacheDir @param {string} key */
async function keep(project, cacheDir, key) {
  const modules = join(project.folder, 'node_modules');
  const kept = join(cacheDir, 'node_modules');
  rmSync(`${kept}.key`, { force: true });
  if (!existsSync(modules) || hasPackagesOfItsOwn(project)) return;
  await copyFolder(modules, kept);
  writeFileSync(`${kept}.key`, key);
}

/**
 * True when the project holds further packages, each with a node_modules that the one at the top is not the whole of.
 * @param {import('./project.mjs').Project} project
 */
function hasPackagesOfItsOwn({ manifest, folder }) {
  if (manifest.workspaces !== undefined || existsSync(join(folder, 'pnpm-workspace.yaml'))) return true;
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  return Object.values(all).some((range) => /^(file|link|portal|workspace):/.test(String(range)));
}

/** @param {import('./project.mjs').Project} project @param {import('./toolchain.mjs').Tools} tools */
async function install(project, tools) {
  const dev = project.runsScripts || keepsDevDependencies();
  const { program, args } = installCommand(project, tools, dev);
  detail(`${program} ${args.join(' ')}`);
  await run(program, args, {
    cwd: project.folder,
    env: cacheEnv(),
    advice:
      'The lines above say which package could not be installed. Does the same command work in your project folder with a fresh checkout?',
  });
}

/** @param {import('./project.mjs').Project} project @param {import('./toolchain.mjs').Tools} tools @param {boolean} dev */
function installCommand(project, tools, dev) {
  if (project.manager === 'yarn') {
    const args = isBerry(tools)
      ? ['install', ...(project.lock ? ['--immutable'] : [])]
      : [
          'install',
          ...(project.lock ? ['--frozen-lockfile'] : []),
          '--non-interactive',
          '--ignore-engines',
          `--production=${!dev}`,
        ];
    return { program: 'yarn', args };
  }
  if (project.manager === 'pnpm') {
    return {
      program: 'pnpm',
      args: ['install', ...(project.lock ? ['--frozen-lockfile'] : []), dev ? '--prod=false' : '--prod'],
    };
  }
  const verb = project.lock !== null && process.env.USE_NPM_INSTALL !== 'true' ? 'ci' : 'install';
  return {
    program: 'npm',
    args: [
      verb,
      dev ? '--include=dev' : '--omit=dev',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--prefer-offline',
    ],
  };
}

/**
 * Runs the project's build.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 */
export async function build(project, tools) {
  const script = ['heroku-postbuild', 'build'].find((name) => name in project.scripts);
  if (script === undefined) return;
  step('Build');
  await runScripts(project, tools, [script]);
}

/**
 * Removes what only the build needed.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 */
export async function prune(project, tools) {
  if (!project.runsScripts || keepsDevDependencies() || isBerry(tools)) return;
  if (Object.keys(project.manifest.devDependencies ?? {}).length === 0) return;
  step('Pruning devDependencies');
  const commands = {
    npm: [
      'npm',
      'prune',
      '--omit=dev',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
    ],
    yarn: [
      'yarn',
      'install',
      '--production',
      '--ignore-scripts',
      '--prefer-offline',
      '--ignore-engines',
      '--non-interactive',
    ],
    pnpm: ['pnpm', 'prune', '--prod', '--ignore-scripts'],
  };
  const [program = '', ...args] = commands[project.manager];
  await run(program, args, {
    cwd: project.folder,
    env: cacheEnv(),
    advice: 'Set NPM_CONFIG_PRODUCTION=false to keep devDependencies.',
  });
}

/**
 * Runs those scripts of package.json that are there.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @param {string[]} names
 */
export async function runScripts(project, tools, names) {
  for (const name of names.filter((each) => each in project.scripts)) {
    detail(`Running ${name}`);
    await run(
      project.manager,
      project.manager === 'yarn' && isBerry(tools) ? ['run', name] : ['run', '--silent', name],
      {
        cwd: project.folder,
        env: cacheEnv(),
        advice: `The script "${name}" of package.json failed; the lines above say why.`,
      },
    );
  }
}

/** @param {import('./toolchain.mjs').Tools} tools */
function isBerry(tools) {
  return tools.yarn !== undefined && !tools.yarn.startsWith('1.');
}

/** Config vars that ask for devDependencies at run time. */
function keepsDevDependencies() {
  const { NPM_CONFIG_PRODUCTION, YARN_PRODUCTION, NODE_ENV } = process.env;
  return (
    NPM_CONFIG_PRODUCTION === 'false' ||
    YARN_PRODUCTION === 'false' ||
    (NODE_ENV !== undefined && NODE_ENV !== 'production')
  );
}

/** Package managers keep what they download with all other downloads. */
function cacheEnv() {
  const downloads = process.env.SLIPWAY_DOWNLOADS ?? '';
  return {
    npm_config_cache: join(downloads, 'npm'),
    YARN_CACHE_FOLDER: join(downloads, 'yarn'),
    XDG_CACHE_HOME: join(downloads, 'cache'),
    XDG_DATA_HOME: join(downloads, 'data'),
    CI: 'true',
  };
}
