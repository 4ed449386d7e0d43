import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { SlipwayError } from '#shared/errors.ts';
import { createEngine, type Engine } from '#engine/engine.ts';
import { portProblem } from '#engine/parts.ts';
import { readSettings, type Settings } from '#engine/settings.ts';
import type { Diagnostics } from '#engine/util/diagnostics.ts';
import { type Host, startHost } from './server.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs engine and host until a signal ends them; the process's exit code is set. */
export async function runHeadless(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  try {
    const settings = readSettings(env);
    const engine = await createEngine(settings, { diagnostics: stderrDiagnostics, version: version() });
    const host = await openHost(settings, engine).catch(async (error: unknown) => {
      await engine.close('keep');
      throw error;
    });
    const discovery = join(engine.home.folder, 'engine.json');
    await announce(discovery, engine, host);
    stopOnSignal(async () => {
      await rm(discovery, { force: true });
      await host.close();
      await engine.close('stop');
    });
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    console.error(`slipway: ${error.message}`);
    process.exitCode = 1;
  }
}

async function openHost(settings: Settings, engine: Engine): Promise<Host> {
  try {
    const host = await startHost({
      handlers: engine.handlers,
      port: settings.apiPort,
      apiKey: engine.home.apiKey,
      uiFolder: join(ROOT, 'dist', 'renderer'),
      user: userName(),
      receiveUpload: (tar) => engine.receiveUpload(tar),
      onProblem: stderrDiagnostics.problem.bind(stderrDiagnostics),
    });
    engine.setApiUrl(`http://localhost:${host.port}`);
    return host;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen')) throw error;
    throw portProblem(
      'SLIPWAY_API_PORT',
      settings.apiPort,
      'code' in error ? String(error.code) : error.message,
    );
  }
}

/** Tells clients on this machine where the engine is, and then people that it is ready. */
async function announce(file: string, engine: Engine, host: Host): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify({ port: host.port, pid: process.pid }), { mode: 0o600 });
  await rename(temporary, file);
  console.log(
    `Slipway ready ui=${host.newUiUrl()} api=http://localhost:${host.port} router=http://localhost:${engine.routerPort} runtime=${engine.runtimeKind} home=${engine.home.folder}`,
  );
}

/** The first SIGTERM or SIGINT stops in order, the second at once. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    console.error('Stopping: dynos get SIGTERM and up to 30 seconds. Once more to stop at once.');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        stderrDiagnostics.problem('stopping', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

const stderrDiagnostics: Diagnostics = {
  note(text) {
    console.error(text);
  },
  problem(what, error) {
    console.error(`${what}:`, error);
  },
};

function userName(): string {
  try {
    return `${userInfo().username}@localhost`;
  } catch {
    return 'you@localhost';
  }
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  return found;
}
