import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BuildError } from './output.mjs';

/**
 * Runs a program of the build in the project's folder; its output is shown as it comes, indented.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd: string, advice: string, env?: Record<string, string> }} options advice: what to try when it fails
 */
export async function run(program, args, { cwd, advice, env }) {
  const child = spawn(program, args, { cwd, env: environment(cwd, env), stdio: ['ignore', 'pipe', 'pipe'] });
  const shown = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream }))
      process.stdout.write(line === '' ? '\n' : `       ${line}\n`);
  });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  await Promise.all(shown);
  if (code !== 0)
    throw new BuildError(`\`${[program, ...args].join(' ')}\` failed (exit code ${code}).\n${advice}`);
}

/**
 * The build's environment. A registry that the project's own .npmrc names counts for more than the machine's.
 * @param {string} cwd
 * @param {Record<string, string> | undefined} more
 */
function environment(cwd, more) {
  const env = { ...process.env, ...more };
  const file = join(cwd, '.npmrc');
  if (existsSync(file) && /^\s*registry\s*=/m.test(readFileSync(file, 'utf8'))) {
    delete env.npm_config_registry;
    delete env.NPM_CONFIG_REGISTRY;
  }
  return env;
}
