import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDaemon } from '#engine/runtime/docker/daemon.ts';
import { createDockerRuntime, type DockerRuntime } from '#engine/runtime/docker/docker-runtime.ts';
import { systemClock } from '#engine/util/clock.ts';
import { describe, test } from 'vitest';
import { runtimeContract } from './suite.ts';

const problem = await connectDaemon({ socketPath: null }).then(
  () => null,
  (error: unknown) => String(error),
);

if (problem === null) {
  runtimeContract('docker', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'slipway-docker-contract-'));
    const ownerId = `contract-${randomUUID()}`;
    const diagnostics = { note: () => undefined, problem: () => undefined };
    const open = (): Promise<DockerRuntime> =>
      createDockerRuntime({ ownerId, stateDir, clock: systemClock, buildEnv: {}, diagnostics });
    const runtime = await open();
    return {
      runtime,
      reopen: open,
      close: async () => {
        await runtime.purge();
        await runtime.close();
        await rm(stateDir, { recursive: true, force: true });
      },
    };
  });
} else {
  describe('runtime contract: docker', () => {
    test.skip(`not run: ${problem}`, () => undefined);
  });
}
