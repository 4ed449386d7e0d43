import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expressApp } from '../../test/e2e/support/app-folder.ts';
import { deploy, startHost, waitFor } from '../../test/e2e/support/host.ts';
import type { FigureDefinition } from '../lib/definition.ts';

const APP = 'bench-idle';
const DYNOS = 10;
const SETTLE = 15_000;
const MEASURED = 30_000;
/** Clock ticks a second in /proc, on every Linux. */
const TICKS = 100;

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
      const before = await processorSeconds(pid);
      await sleep(MEASURED);
      const cpu = ((await processorSeconds(pid)) - before) / (MEASURED / 1000);
      const memory = await residentMegabytes(pid);
      await host.client.call('apps.destroy', { app: APP, confirm: APP });
      return { 'cpu-percent': cpu * 100, 'memory-mb': memory };
    } finally {
      await host.stop();
      await folder.remove();
    }
  },
};

async function processorSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
