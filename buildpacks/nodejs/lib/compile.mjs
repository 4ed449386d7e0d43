import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './files.mjs';
import { isPnp } from './managers.mjs';
import { BuildError, detail, step, warn } from './output.mjs';
import { build, installPackages, prune, returnPackages, runScripts } from './packages.mjs';
import { exportConfig, lockVersion, readProject } from './project.mjs';
import { installTools, resolveTools } from './toolchain.mjs';

/** How long a decision on versions holds for an unchanged project, in milliseconds. */
const DECISION_HOLDS = 24 * 60 * 60 * 1000;

/** @param {string} buildDir @param {string} cacheDir @param {string} envDir */
async function compile(buildDir, cacheDir, envDir) {
  const project = readProject(buildDir);
  step('Creating runtime environment');
  exportConfig(envDir);
  process.env.NODE_ENV ||= 'production';
  const tools = await decideTools(project, cacheDir);
  const target = join(buildDir, '.heroku', 'node');
  await installTools(tools, target);
  detail(
    Object.entries(tools)
      .map(([tool, version]) => `${tool} ${version}`)
      .join(', '),
  );
  process.env.PATH = `${join(target, 'bin')}:${join(buildDir, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  await runScripts(project, tools, ['heroku-prebuild']);
  try {
    await installPackages(project, tools, cacheDir);
    await build(project, tools);
    await prune(project, tools, cacheDir);
    await runScripts(project, tools, ['heroku-cleanup']);
  } catch (error) {
    returnPackages(project, cacheDir);
    throw error;
  }
  writeRuntime(project, tools, buildDir);
  step('Build succeeded!');
}

/**
 * Versions of the last build when the project asks for the same as then; so an unchanged project needs no network.
 * @param {import('./project.mjs').Project} project
 * @param {string} cacheDir
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
  if (last?.asked === asked && Date.now() - last.at < DECISION_HOLDS) return last.tools;
  const tools = await resolveTools(project);
  writeJson(file, { asked, at: Date.now(), tools });
  return tools;
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
