import { setTimeout as sleep } from 'node:timers/promises';
import { expressApp } from '../../test/e2e/support/app-folder.ts';
import { deploy, startHost, waitFor } from '../../test/e2e/support/host.ts';
import type { FigureDefinition } from '../lib/definition.ts';
import { processorSeconds, residentBytes } from '../lib/process-figures.ts';

const APP = 'bench-idle';
const DYNOS = 10;
const SETTLE = 15_000;
const MEASURED = 30_000;

/** What an engine costs that has ten dynos and nothing to do. */
export const figures: FigureDefinition = {
  title: `Idle engine with ${DYNOS} dynos, over ${MEASURED / 1000} s`,
  goals: { 'cpu-percent': 1, 'memory-mb': 150 },
  async measure() {
    const folder = await expressApp();
    const host = await startHost({ SLIPWAY_RUNTIME: process.env['SLIPWAY_RUNTIME'] ?? 'docker' });
    try {
      await host.client.call('apps.create', { name: APP });
      await deploy(host, APP, folder.path);
      await host.client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity: DYNOS }] });
      await waitFor('ten dynos', async () => {
        const { dynos } = await host.client.call('dynos.list', { app: APP });
        return dynos.filter((dyno) => dyno.state === 'up').length === DYNOS;
      });
      await sleep(SETTLE);
      const pid = host.process.pid ?? 0;
      const before = processorSeconds(pid);
      await sleep(MEASURED);
      const cpu = (processorSeconds(pid) - before) / (MEASURED / 1000);
      const memory = residentBytes(pid) / 1024 / 1024;
      await host.client.call('apps.destroy', { app: APP, confirm: APP });
      return { 'cpu-percent': cpu * 100, 'memory-mb': memory };
    } finally {
      await host.stop();
      await folder.remove();
    }
  },
};
