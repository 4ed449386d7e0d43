import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { moveFromLastBuild, readJson } from './files.mjs';
import { giveBack, KEY_FILE, keep, packagesToKeep, restore } from './kept.mjs';
import { devRule, installCommand, isBerry, isPnp, major, managerEnv, pruneCommand } from './managers.mjs';
import { detail, detailText, step, stepText } from './output.mjs';
import { installKey, LIFECYCLE } from './project.mjs';
import { notePruned, stateOfModules, takePruned } from './pruned.mjs';
import { run } from './run.mjs';
import { isPnpmWorkspace } from './workspace.mjs';

/** State of node_modules before scripts of the project ran; null when it is not decided by the key alone. */
let installed = /** @type {string | null} */ (null);

/** What borrowed packages were installed from, see `restore`; null when there are none. */
let borrowed = /** @type {string | null} */ (null);

/** Files in node_modules in which package managers note what they did; rewritten each time, mostly with the same text. */
const NOTES = ['.package-lock.json', '.yarn-integrity', '.modules.yaml', '.pnpm/lock.yaml'];

/** What the build log says when nothing is installed. */
export const RESTORED =
  stepText('Restoring cache') +
  detailText('node_modules is taken from the last build: its lock file is the same');

/**
 * Installs the project's packages, or takes those of the last build when nothing that decides them has changed. Where scripts of
 * the project run, which may change what is installed, a copy from before them is kept in the cache for that.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @param {string} cacheDir
 * @returns {Promise<boolean>} whether nothing but settings and files at the top of the project decides what is in node_modules
 */
export async function installPackages(project, tools, cacheDir) {
  const packages = packagesToKeep(project, tools);
  const key = installKey(project, tools, packages ?? []);
  const lifecycle = LIFECYCLE.filter((name) => name in project.scripts && !ignoresScripts(project));
  // Only npm can be asked for everything but the project's own scripts; with the others these run in each installation.
  const apart = project.manager === 'npm' && major(tools.npm) >= 7 && lifecycle.length > 0;
  const keeps = (apart || lifecycle.length === 0) && packages !== null;
  const restored = keeps ? await restore(project, cacheDir, key, packages) : 'no';
  if (restored === 'borrowed') borrowed = key;
  if (restored !== 'no') {
    process.stdout.write(RESTORED);
  } else {
    step('Installing dependencies');
    if (isPnp(project, tools)) restoreArchives(project, key);
    await install(project, tools, !apart);
    // Without dependencies there is none; the next build sees by it that nothing is to be installed.
    if (keeps) mkdirSync(join(project.folder, 'node_modules'), { recursive: true });
    if (keeps && project.runsScripts) await keep(project, cacheDir, key, packages);
  }
  // What pruning does to a workspace is not in its own node_modules alone.
  const whole =
    keeps && project.runsScripts && project.manifest.workspaces === undefined && !isPnpmWorkspace(project);
  installed = whole ? stateOfModules(project.folder) : null;
  if (apart) await runScripts(project, tools, lifecycle, ['--ignore-scripts']);
  writeFileSync(join(project.folder, KEY_FILE), key);
  return keeps && !project.runsScripts && packages.length === 1;
}

/**
 * Gives borrowed packages back, unless scripts have changed them: to be called when the build fails.
 * @param {import('./project.mjs').Project} project
 * @param {string} cacheDir
 */
export function returnPackages({ folder }, cacheDir) {
  if (borrowed === null || installed === null || installed !== stateOfModules(folder)) return;
  giveBack(join(folder, 'node_modules'), cacheDir, borrowed);
  borrowed = null;
}

/** @param {import('./project.mjs').Project} project */
function ignoresScripts({ folder }) {
  if (process.env.npm_config_ignore_scripts === 'true' || process.env.NPM_CONFIG_IGNORE_SCRIPTS === 'true')
    return true;
  const file = join(folder, '.npmrc');
  return existsSync(file) && /^\s*ignore-scripts\s*=\s*true\s*$/m.test(readFileSync(file, 'utf8'));
}

/**
 * The zip files of the last build, unless the project brings its own.
 * @param {import('./project.mjs').Project} project
 * @param {string} key
 */
function restoreArchives({ folder }, key) {
  const archives = join(folder, '.yarn', 'cache');
  if (!existsSync(archives)) moveFromLastBuild('.yarn/cache', archives, [KEY_FILE, key]);
}

/**
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @param {boolean} scripts whether those of the project run as well
 */
async function install(project, tools, scripts) {
  const dev = devRule(project, tools).install;
  await runInstall(installCommand(project, tools, { dev, scripts }), project, tools);
  if (scripts) return;
  const packages = packagesWithScripts(project);
  if (packages.length > 0)
    await runInstall(['npm', 'rebuild', '--no-update-notifier', ...packages], project, tools);
}

/**
 * @param {[program: string, ...args: string[]]} command
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 */
async function runInstall([program, ...args], project, tools) {
  detail([program, ...args].join(' '));
  await run(program, args, {
    cwd: project.folder,
    env: managerEnv(project, tools),
    advice:
      'The lines above say which package could not be installed. Does the same command work in your project folder with a fresh checkout?',
  });
}

/**
 * Installed packages that have scripts of their own, as npm notes them.
 * @param {import('./project.mjs').Project} project
 */
function packagesWithScripts({ folder }) {
  const { packages = {} } = readJson(join(folder, 'node_modules', '.package-lock.json')) ?? {};
  const paths = Object.keys(packages).filter((path) => packages[path].hasInstallScript === true);
  return [...new Set(paths.map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)))];
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
 * @param {string} cacheDir
 * @returns {Promise<boolean>} whether there was anything to remove, or to say of it
 */
export async function prune(project, tools, cacheDir) {
  const rule = devRule(project, tools);
  // Packages of a workspace have such of their own.
  const { devDependencies = {}, workspaces } = project.manifest;
  const nothing = Object.keys(devDependencies).length === 0 && workspaces === undefined;
  if (nothing || (!rule.prune && rule.why === null)) return false;
  step('Pruning devDependencies');
  const command = pruneCommand(project, tools);
  if (!rule.prune || command === null) {
    detail(`Skipping because ${rule.why ?? `Yarn ${tools.yarn} has no plugin workspace-tools`}`);
    return true;
  }
  const key = readFileSync(join(project.folder, KEY_FILE), 'utf8');
  const untouched = installed !== null && installed === stateOfModules(project.folder);
  const clear = (/** @type {string} */ modules) => {
    if (borrowed === null) rmSync(modules, { recursive: true, force: true });
    else giveBack(modules, cacheDir, borrowed);
    borrowed = null;
  };
  if (untouched && takePruned(project.folder, key, clear)) {
    detail('node_modules is taken from the last build');
    return true;
  }
  const [program, ...args] = command;
  await run(program, args, {
    cwd: project.folder,
    env: {
      ...managerEnv(project, tools),
      npm_config_ignore_scripts: 'true',
      pnpm_config_ignore_scripts: 'true',
    },
    advice: 'Set NPM_CONFIG_PRODUCTION=false (YARN_PRODUCTION=false with Yarn) to keep devDependencies.',
  });
  keepNotes(project);
  if (untouched) notePruned(project.folder, key);
  return true;
}

/**
 * Takes the package manager's notes from the last build where they say the same: a new time of theirs alone would make
 * node_modules another part of the slug.
 * @param {import('./project.mjs').Project} project
 */
function keepNotes({ folder }) {
  const last = process.env.SLIPWAY_LAST_BUILD ?? '';
  if (last === '') return;
  for (const name of NOTES) {
    const [before, now] = [last, folder].map((each) => join(each, 'node_modules', name));
    if (existsSync(before) && existsSync(now) && noted(before) === noted(now)) renameSync(before, now);
  }
}

/** @param {string} file */
function noted(file) {
  return readFileSync(file, 'utf8').replace(/^\s*"?prunedAt"?:.*$/m, '');
}

/**
 * Runs those scripts of package.json that are there.
 * @param {import('./project.mjs').Project} project
 * @param {import('./toolchain.mjs').Tools} tools
 * @param {string[]} names
 * @param {string[]} [more] further options of `run`
 */
export async function runScripts(project, tools, names, more = []) {
  for (const name of names.filter((each) => each in project.scripts)) {
    detail(`Running ${name}`);
    const quiet = project.manager === 'yarn' && isBerry(tools) ? [] : ['--silent'];
    await run(project.manager, ['run', ...quiet, ...more, name], {
      cwd: project.folder,
      env: managerEnv(project, tools),
      advice: `The script "${name}" of package.json failed; the lines above say why.`,
    });
  }
}
