import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { borrowCompiled } from './compiled.mjs';
import { readJson, writeJson } from './files.mjs';
import { isPnp } from './managers.mjs';
import { BuildError, detail, detailText, step, stepText, warn } from './output.mjs';
import { build, installPackages, prune, RESTORED, returnPackages, runScripts } from './packages.mjs';
import { exportConfig, lockVersion, readProject } from './project.mjs';
import { forgetRepeat, noteRepeat } from './repeat.mjs';
import { installTools, resolveTools } from './toolchain.mjs';

/** How long a decision on versions holds for an unchanged project, in milliseconds. */
const DECISION_HOLDS = 24 * 60 * 60 * 1000;

const BEGIN = 'Creating runtime environment';
const END = 'Build succeeded!';

/** @param {string} buildDir @param {string} cacheDir @param {string} envDir */
async function compile(buildDir, cacheDir, envDir) {
  forgetRepeat(cacheDir);
  const project = readProject(buildDir);
  step(BEGIN);
  exportConfig(envDir);
  process.env.NODE_ENV ||= 'production';
  const { tools, until } = await decideTools(project, cacheDir);
  const target = join(buildDir, '.heroku', 'node');
  await installTools(tools, target);
  const versions = Object.entries(tools).map(([tool, version]) => `${tool} ${version}`);
  detail(versions.join(', '));
  process.env.PATH = `${join(target, 'bin')}:${join(buildDir, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  const returnCompiled = borrowCompiled(buildDir, cacheDir, tools.node);
  let repeatable = false;
  try {
    await runScripts(project, tools, ['heroku-prebuild']);
    const decided = await installPackages(project, tools, cacheDir);
    await build(project, tools);
    repeatable = !(await prune(project, tools, cacheDir)) && decided;
    await runScripts(project, tools, ['heroku-cleanup']);
  } catch (error) {
    returnPackages(project, cacheDir);
    throw error;
  } finally {
    returnCompiled();
  }
  writeRuntime(project, tools, buildDir);
  step(END);
  if (!repeatable) return;
  const log = [stepText(BEGIN), detailText(versions.join(', ')), RESTORED, stepText(END)].join('');
  noteRepeat(buildDir, cacheDir, { until, log });
}

/**
 * Versions of the last build when the project asks for the same as then; so an unchanged project needs no network.
 * @param {import('./project.mjs').Project} project
 * @param {string} cacheDir
 * @returns {Promise<{ tools: import('./toolchain.mjs').Tools, until: number }>} until when they hold, in milliseconds since 1970
 */
async function decideTools(project, cacheDir) {
  const file = join(cacheDir, 'tools.json');
  const asked = JSON.stringify([
    project.manifest.engines,
    project.manifest.packageManager,
    project.manager,
    lockVersion(project),
  ]);
  const last = readJson(file);
  if (last?.asked === asked && Date.now() < last.until) return last;
  const decision = { asked, tools: await resolveTools(project), until: Date.now() + DECISION_HOLDS };
  writeJson(file, decision);
  return decision;
}

/** @param {import('./project.mjs').Project} project @param {import('./toolchain.mjs').Tools} tools @param {string} buildDir */
function writeRuntime(project, tools, buildDir) {
  const folder = join(buildDir, '.profile.d');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(import.meta.dirname, 'runtime.sh'), join(folder, 'nodejs.sh'));
  // Only Yarn itself finds packages that lie in its archives.
  const start = isPnp(project, tools) ? 'yarn start' : 'npm start';
  const starts = 'start' in project.scripts || existsSync(join(buildDir, 'server.js'));
  const release = starts ? `---\ndefault_process_types:\n  web: ${start}\n` : '--- {}\n';
  writeFileSync(join(folder, '.node-release.yml'), release);
}

const [buildDir = '', cacheDir = '', envDir = ''] = process.argv.slice(2);
try {
  await compile(buildDir, cacheDir, envDir);
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  step('Build failed');
  warn(error.message);
  process.exitCode = 1;
}
