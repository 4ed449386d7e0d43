import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Buildpack } from '../slug/buildpacks.ts';

/** Longest time that all `detect` scripts together may take, in milliseconds. */
const LIMIT_MS = 5_000;
const MAX_OUTPUT = 10_000;
/** Exit codes of `env` and shells for a program that is missing or cannot be run. */
const NOT_RUN = [126, 127];

/** What the buildpacks say of a folder; `unknown` when they could not be asked on this machine. */
export type Detection = { readonly language: string } | 'none' | 'unknown';

/**
 * Asks the buildpacks in their order whose a folder is, by their `bin/detect` on this machine (classic buildpack API: exit
 * code 0 and a name). Nothing is built.
 */
export async function detectLanguage(
  buildpacks: readonly Buildpack[],
  folder: string,
  limitMs = LIMIT_MS,
): Promise<Detection> {
  const signal = AbortSignal.timeout(limitMs);
  for (const buildpack of buildpacks) {
    const answer = await ask(join(buildpack.folder, 'bin', 'detect'), folder, signal);
    if (answer === 'unknown') return 'unknown';
    if (answer !== null) return { language: answer.name || buildpack.name };
  }
  return 'none';
}

/** The name that a script printed, or null when the folder is not its kind. */
async function ask(
  script: string,
  folder: string,
  signal: AbortSignal,
): Promise<{ name: string } | 'unknown' | null> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(script, [folder], {
    cwd: folder,
    env: { PATH, HOME, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < MAX_OUTPUT) output += text;
  });
  const kill = (): void => {
    killGroup(child.pid);
    child.stdout.destroy();
  };
  if (signal.aborted) kill();
  else signal.addEventListener('abort', kill);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => {
      resolve(null);
    });
    child.once('close', resolve);
  });
  signal.removeEventListener('abort', kill);
  if (code === null || NOT_RUN.includes(code)) return 'unknown';
  return code === 0 ? { name: output.trim().replace(/\s+/g, ' ') } : null;
}

/** The script has a process group of its own, so that what it started ends with it. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
