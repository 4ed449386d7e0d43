import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../test/e2e/support/host.ts';
import { get } from '../../test/e2e/support/load.ts';
import { openBesideDocker } from '../lib/beside-docker.ts';
import type { BenchDefinition } from '../lib/definition.ts';
import { untilAnswers } from '../lib/docker-peer.ts';

const APP = 'bench-scale';
const DYNOS = 10;
const REST = 1_500;
/** Requests at a time, of which each goes to a random dyno. */
const ASKED = 30;

/** 1 → 10 web dynos, all of them answering, against ten containers started at the same time. */
export const bench: BenchDefinition = {
  title: 'Scale 1 → 10 dynos, all answering: seconds',
  unit: 's',
  rounds: 5,
  goal: { kind: 'at-most', ratio: 1 },
  async open() {
    const { host, peer, close } = await openBesideDocker(APP);
    const scale = async (quantity: number): Promise<void> => {
      await host.client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity }] });
    };
    const dynos = async (): Promise<number> =>
      (await host.client.call('dynos.list', { app: APP })).dynos.length;
    return {
      ours: {
        name: 'slipway scale web=10',
        async round() {
          await scale(1);
          await waitFor('one dyno', async () => (await dynos()) === 1);
          await sleep(REST);
          const started = performance.now();
          await scale(DYNOS);
          const seen = new Set<string>();
          await untilAnswers(
            async () => {
              const asked = Array.from({ length: ASKED }, () => get(host.routerPort, APP, '/dyno'));
              for (const { body } of await Promise.all(asked))
                seen.add((JSON.parse(body) as { dyno: string }).dyno);
              return '';
            },
            () => seen.size === DYNOS,
          );
          return (performance.now() - started) / 1000;
        },
      },
      peer: {
        name: 'ten parallel docker run',
        async round() {
          await sleep(REST);
          const started = performance.now();
          const ids = await Promise.all(
            Array.from({ length: DYNOS }, () => peer.start((body) => body !== '')),
          );
          const seconds = (performance.now() - started) / 1000;
          await peer.docker('rm', '--force', ...ids);
          return seconds;
        },
      },
      close,
    };
  },
};
