import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BuildTargetError, buildWhenStale, TARGETS } from './build-targets.ts';
import { FRUGAL } from './frugal.ts';
import { whenLeftAlone } from './left-alone.ts';

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

/**
 * Becomes the headless host. It is run from its bundle: a process that strips types holds the compiler for it in each of its threads.
 * On Linux it is also told to keep little memory for itself.
 */
async function becomeHeadless(): Promise<void> {
  const program = join(ROOT, TARGETS.headless.result);
  if (process.platform === 'linux') {
    const args = [process.execPath, ...process.execArgv, ...FRUGAL.flags, program];
    process.execve?.(process.execPath, args, { ...FRUGAL.environment, ...process.env });
  }
  await import(pathToFileURL(program).href);
}

/**
 * Runs the desktop app until it ends. A terminal gives its Ctrl-C to both; SIGTERM is handed on.
 * Signals are listened to before there is a child: one that came between the two would end this process and leave the app alone.
 */
async function runDesktop(program: string): Promise<number> {
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const child = spawn(program, [ROOT, ...process.argv.slice(2)], { stdio: 'inherit' });
  whenLeftAlone(() => child.kill('SIGTERM'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** Builds what is missing or old, then runs desktop app or headless host. @throws BuildTargetError */
async function main(): Promise<void> {
  await buildWhenStale('renderer');
  const program = process.argv.includes('--headless') ? null : electronProgram();
  if (program !== null) {
    await buildWhenStale('preload');
    await buildWhenStale('main');
    await buildWhenStale('router');
    process.exitCode = await runDesktop(program);
    return;
  }
  if (!process.argv.includes('--headless')) {
    console.error(
      'No window: Electron’s program is not installed, so Slipway runs headless. Open the ui address below in a browser.',
    );
  }
  await buildWhenStale('router');
  await buildWhenStale('headless');
  await becomeHeadless();
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildTargetError)) throw error;
  console.error(`slipway: ${error.message}`);
  process.exitCode = 1;
}
