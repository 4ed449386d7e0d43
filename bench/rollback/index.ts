import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../test/e2e/support/host.ts';
import { get } from '../../test/e2e/support/load.ts';
import { openBesideDocker } from '../lib/beside-docker.ts';
import type { BenchDefinition } from '../lib/definition.ts';
import { untilAnswers } from '../lib/docker-peer.ts';

const APP = 'bench-rollback';
/** Rest between rounds, so that the old dynos' end is not in the next one's time. */
const REST = 3_000;

/** From the command to the first answer of the version before, its image present, against the start of one container of the same app. */
export const bench: BenchDefinition = {
  title: 'Rollback: seconds to the first answer of the version before',
  unit: 's',
  rounds: 9,
  goal: { kind: 'at-most', ratio: 1.3 },
  async open() {
    const greetings = ['one', 'two'];
    const { host, peer, releases, close } = await openBesideDocker(APP, greetings);
    const versions = releases.map((release, at) => ({ release, greeting: `${greetings[at] ?? ''}\n` }));
    return {
      ours: {
        name: 'slipway rollback',
        async round() {
          await sleep(REST);
          const [target] = versions;
          if (target === undefined) throw new Error('there is no release');
          const started = performance.now();
          const { version } = await host.client.call('releases.rollback', {
            app: APP,
            version: target.release,
          });
          await untilAnswers(
            async () => (await get(host.routerPort, APP, '/')).body,
            (body) => body === target.greeting,
          );
          const seconds = (performance.now() - started) / 1000;
          versions.push({ release: version, greeting: target.greeting });
          versions.shift();
          await waitFor('the old dyno to go', async () => {
            const { dynos } = await host.client.call('dynos.list', { app: APP });
            return dynos.every((dyno) => dyno.release === version);
          });
          return seconds;
        },
      },
      peer: {
        name: 'docker run',
        async round() {
          await sleep(REST);
          const started = performance.now();
          const id = await peer.start((body) => body !== '');
          const seconds = (performance.now() - started) / 1000;
          await peer.docker('rm', '--force', id);
          return seconds;
        },
      },
      close,
    };
  },
};
