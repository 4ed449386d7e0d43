import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';

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
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

/** Builds a target. What goes wrong is on standard error. @throws when it does */
export function build(name: TargetName): void {
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--config', join(ROOT, TARGETS[name].config)];
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Builds a target when it is missing or older than its sources. */
export async function buildWhenStale(name: TargetName): Promise<void> {
  const { result, sources } = TARGETS[name];
  const built = statSync(join(ROOT, result), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for await (const file of glob(sources, { cwd: ROOT })) {
    if (statSync(join(ROOT, file)).mtimeMs <= built) continue;
    build(name);
    return;
  }
}
