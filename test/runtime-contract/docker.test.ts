import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listContainers } from '#engine/runtime/docker/containers.ts';
import { connectDaemon } from '#engine/runtime/docker/daemon.ts';
import { createDockerRuntime, type DockerRuntime } from '#engine/runtime/docker/docker-runtime.ts';
import { LABEL, labelFilter } from '#engine/runtime/docker/names.ts';
import { listNetworks } from '#engine/runtime/docker/networks.ts';
import { systemClock } from '#engine/util/clock.ts';
import { describe, expect, test } from 'vitest';
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
      async nothingLeftOf(appId) {
        const daemon = await connectDaemon({ socketPath: null });
        const runs = await listContainers(daemon, labelFilter(ownerId, 'run', { [LABEL.app]: appId }));
        expect(runs).toEqual([]);
      },
      close: async () => {
        await runtime.close();
        const daemon = await connectDaemon({ socketPath: null });
        expect(await listNetworks(daemon, labelFilter(ownerId, 'build-network'))).toEqual([]);
        const next = await open();
        await next.purge();
        await next.close();
        await rm(stateDir, { recursive: true, force: true });
      },
    };
  });
} else {
  describe('runtime contract: docker', () => {
    test.skip(`not run: ${problem}`, () => undefined);
  });
}
