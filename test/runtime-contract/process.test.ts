import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessRuntime } from '#engine/runtime/process/process-runtime.ts';
import { systemClock } from '#engine/util/clock.ts';
import { expect } from 'vitest';
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
    async nothingLeftOf() {
      const runs = join(folder, 'runtime', 'runs');
      expect(await readdir(runs)).toEqual([]);
      if (process.platform !== 'linux') return;
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
        expect(environment).not.toContain(`=${runs}/`);
      }
    },
    async close() {
      for (const dyno of await runtime.listDynos()) await runtime.removeDyno(dyno.id);
      await runtime.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
