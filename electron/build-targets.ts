import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const ROOT = join(import.meta.dirname, '..');

interface Target {
  readonly config: string;
  /** The file that tells when it was built last. */
  readonly result: string;
  readonly sources: string;
}

/** What is built, by name. */
export const TARGETS = {
  renderer: {
    config: 'renderer/vite.config.ts',
    result: 'dist/renderer/index.html',
    sources: '{renderer,shared}/**/*.{ts,tsx,css,html}',
  },
  main: {
    config: 'electron/vite.main.config.ts',
    result: 'dist/main/main.js',
    sources: '{electron,shared}/**/*.ts',
  },
  preload: {
    config: 'electron/vite.preload.config.ts',
    result: 'dist/preload/preload.cjs',
    sources: '{electron/preload,shared}/**/*.ts',
  },
  headless: {
    config: 'electron/vite.headless.config.ts',
    result: 'dist/headless/headless.js',
    sources: '{electron,shared}/**/*.ts',
  },
  router: {
    config: 'electron/vite.router.config.ts',
    result: 'dist/router/worker.cjs',
    // HTTPS makes its certificates in this thread.
    sources: 'electron/engine/{router,util,https}/*.ts',
  },
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

/** A target that could not be built: the message is one line with the reason, `details` all that the bundler said. */
export class BuildTargetError extends Error {
  readonly details: string;

  constructor(message: string, details: string) {
    super(message);
    this.details = details;
  }
}

/** Builds a target; what was built before is there until the new one is whole. @throws BuildTargetError */
export function build(name: TargetName): void {
  const folder = dirname(join(ROOT, TARGETS[name].result));
  const fresh = `${folder}.${process.pid}.new`;
  try {
    runBundler(name, fresh);
    replaceFolder(folder, fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Puts `fresh` in the place of `folder`, unless another process does so at the same time with what it built. */
function replaceFolder(folder: string, fresh: string): void {
  const old = `${folder}.${process.pid}.old`;
  try {
    if (existsSync(folder)) renameSync(folder, old);
    renameSync(fresh, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

/** @throws BuildTargetError */
function runBundler(name: TargetName, outDir: string): void {
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--config', join(ROOT, TARGETS[name].config), '--outDir', outDir];
  const { status, signal, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status === 0) return;
  const details = stripVTControlCharacters(stderr);
  const reason = signal === null ? (reasonIn(details) ?? `exit code ${status ?? 0}`) : `ended by ${signal}`;
  throw new BuildTargetError(
    `${name} (${TARGETS[name].config}) could not be built: ${reason}. Correct that, and start again; npm run build says more.`,
    details,
  );
}

/** The one line that says why, with the place in the source. */
function reasonIn(details: string): string | null {
  const lines = details.split('\n').map((line) => line.trim());
  const reason =
    lines.find((line) => /^\[[\w:-]+\] \S/.test(line)) ??
    lines.find((line) => /^\w*Error( \[\w+\])?: \S/.test(line)) ??
    lines.find((line) => line !== '' && !/^(✗|error during build|Build failed|node:)/.test(line));
  const place = /─\[ (\S+:\d+:\d+) \]/.exec(details)?.[1];
  if (reason === undefined) return null;
  return `${reason.replace(/\.$/, '')}${place === undefined ? '' : ` (${place})`}`;
}

/** Builds a target when it is missing or older than its sources. @throws BuildTargetError */
export async function buildWhenStale(name: TargetName): Promise<void> {
  const { result, sources } = TARGETS[name];
  const built = statSync(join(ROOT, result), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for await (const file of glob(sources, { cwd: ROOT })) {
    if (statSync(join(ROOT, file)).mtimeMs <= built) continue;
    build(name);
    return;
  }
}
