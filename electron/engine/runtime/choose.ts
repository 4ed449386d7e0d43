import { SlipwayError } from '#shared/errors.ts';

import type { Home } from '../home.ts';
import type { Settings } from '../settings.ts';
import type { Clock } from '../util/clock.ts';
import type { Diagnostics } from '../util/diagnostics.ts';
import { createDockerRuntime } from './docker/docker-runtime.ts';
import { createProcessRuntime } from './process/process-runtime.ts';
import { registrySettings } from './registries.ts';
import { type Runtime, RuntimeError } from './runtime.ts';

/**
 * Opens the runtime that the settings name; `auto` takes Docker when it answers and plain processes otherwise.
 * @throws SlipwayError `runtime_unavailable` naming SLIPWAY_RUNTIME when Docker is asked for and does not answer
 */
export async function chooseRuntime(
  settings: Settings,
  home: Home,
  clock: Clock,
  diagnostics: Diagnostics,
): Promise<Runtime> {
  if (settings.runtime === 'process')
    return openProcess(home, clock, ['SLIPWAY_RUNTIME=process asks for it.']);
  try {
    return await createDockerRuntime({
      ownerId: home.ownerId,
      stateDir: home.runtime,
      clock,
      buildEnv: registrySettings(),
      diagnostics,
    });
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'unavailable') throw error;
    if (settings.runtime === 'auto') return openProcess(home, clock, [error.message]);
    throw new SlipwayError(
      'runtime_unavailable',
      `SLIPWAY_RUNTIME=docker, but Docker cannot be used: ${error.message} Start Docker, or set SLIPWAY_RUNTIME=process.`,
      { cause: error },
    );
  }
}

function openProcess(home: Home, clock: Clock, reasons: string[]): Promise<Runtime> {
  return createProcessRuntime({
    stateDir: home.runtime,
    downloadsDir: home.downloads,
    clock,
    buildEnv: registrySettings(),
    reasons,
  });
}
