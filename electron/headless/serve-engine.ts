import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine } from '#engine/engine.ts';
import { portProblem } from '#engine/parts/router.ts';
import type { Settings } from '#engine/settings.ts';
import type { Diagnostics } from '#engine/util/diagnostics.ts';
import { codePath, productVersion, resourcePath } from './resources.ts';
import { type Host, startHost } from './server.ts';

/** Where diagnostics of a host go. */
export const stderrDiagnostics: Diagnostics = {
  note(text) {
    console.error(text);
  },
  problem(what, error) {
    console.error(`${what}:`, error);
  },
};

/**
 * Starts the engine and opens it to this machine.
 * @throws SlipwayError naming the setting when home, port or runtime cannot be used
 */
export async function startServedEngine(settings: Settings): Promise<{ engine: Engine; host: Host }> {
  const engine = await createEngine(settings, {
    diagnostics: stderrDiagnostics,
    version: productVersion(),
    buildpacks: resourcePath('buildpacks'),
  });
  try {
    return { engine, host: await serveEngine(settings, engine) };
  } catch (error) {
    await engine.close('keep');
    throw error;
  }
}

/** The UI and the contract on their port, and the address for the command. Closing the host takes the address away as well. */
async function serveEngine(settings: Settings, engine: Engine): Promise<Host> {
  const host = await openHost(settings, engine);
  const discovery = join(engine.home.folder, 'engine.json');
  const temporary = `${discovery}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify({ port: host.port, pid: process.pid }), { mode: 0o600 });
  await rename(temporary, discovery);
  return {
    ...host,
    async close() {
      await rm(discovery, { force: true });
      await host.close();
    },
  };
}

async function openHost(settings: Settings, engine: Engine): Promise<Host> {
  try {
    const host = await startHost({
      handlers: engine.handlers,
      port: settings.apiPort,
      apiKey: engine.home.apiKey,
      uiFolder: codePath('dist', 'renderer'),
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

/** Name of the person in release ledger and logs. */
export function userName(): string {
  try {
    return `${userInfo().username}@localhost`;
  } catch {
    return 'you@localhost';
  }
}
