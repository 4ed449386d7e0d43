import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessRuntime } from '#engine/runtime/process/process-runtime.ts';
import { systemClock } from '#engine/util/clock.ts';
import { runtimeContract } from './suite.ts';

runtimeContract('process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway process-'));
  const open = () =>
    createProcessRuntime({
      stateDir: join(folder, 'runtime'),
      downloadsDir: join(folder, 'downloads'),
      clock: systemClock,
      buildEnv: {},
      reasons: ['The contract asks for it.'],
    });
  const runtime = await open();
  return {
    runtime,
    reopen: open,
    async close() {
      for (const dyno of await runtime.listDynos()) await runtime.removeDyno(dyno.id);
      await runtime.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
