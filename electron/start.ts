import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { runHeadless } from './headless/run.ts';

const ROOT = join(import.meta.dirname, '..');

/** Where Electron's program is, without asking its package, which would begin a download. Null when it is not there. */
function electronProgram(): string | null {
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const own = join(ROOT, 'node_modules', 'electron');
  const pathFile = join(own, 'path.txt');
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : 'electron';
  const program = join(folder ?? join(own, 'dist'), name);
  return existsSync(program) ? program : null;
}

/** Builds the UI when it is missing or older than its sources. */
async function buildUi(): Promise<void> {
  const built =
    statSync(join(ROOT, 'dist', 'renderer', 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for await (const file of glob('{renderer,shared}/**/*.{ts,tsx,css,html}', { cwd: ROOT })) {
    if (statSync(join(ROOT, file)).mtimeMs <= built) continue;
    const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
    const args = [vite, 'build', '--config', join(ROOT, 'renderer', 'vite.config.ts')];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    return;
  }
}

/**
 * On Linux the engine becomes the same program once more, told to keep little memory for itself: by default its allocator holds an
 * arena for every thread and the collector a large nursery, which an engine that idles most of its life has no use for.
 */
function keepMemorySmall(): void {
  if (process.platform !== 'linux' || process.env['MALLOC_ARENA_MAX'] !== undefined) return;
  const args = [...process.execArgv, '--max-semi-space-size=2', ...process.argv.slice(1)];
  process.execve?.(process.execPath, [process.execPath, ...args], { ...process.env, MALLOC_ARENA_MAX: '1' });
}

keepMemorySmall();
const program = electronProgram();
const desktop = join(ROOT, 'dist', 'main', 'main.js');
await buildUi();
if (process.argv.includes('--headless')) {
  await runHeadless(process.env);
} else if (program !== null && existsSync(desktop)) {
  process.exitCode = spawnSync(program, [ROOT], { stdio: 'inherit' }).status ?? 1;
} else {
  const reason = program === null ? 'Electron’s program is not installed' : 'the desktop app is not built';
  console.error(`No window: ${reason}, so Slipway runs headless. Open the ui address below in a browser.`);
  await runHeadless(process.env);
}
