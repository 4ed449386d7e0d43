import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../test/e2e/support/host.ts';
import { get } from '../../test/e2e/support/load.ts';
import { openBesideDocker } from '../lib/beside-docker.ts';
import type { BenchDefinition } from '../lib/definition.ts';
import { untilAnswers } from '../lib/docker-peer.ts';

const APP = 'bench-deploy';
/** Rest between rounds, so that what a deploy does afterwards is not in the next one's time. */
const REST = 1_500;

/** One line changed, warm caches: from the command to the first answer of the new version. */
export const bench: BenchDefinition = {
  title: 'Deploy of one changed line, warm caches: seconds to the first answer of the new version',
  unit: 's',
  rounds: 7,
  goal: { kind: 'at-most', ratio: 0.5 },
  async open() {
    const { folder, host, peer, close } = await openBesideDocker(APP);
    return {
      ours: {
        name: 'slipway',
        async round(round) {
          await sleep(REST);
          await folder.greet(`ours ${round}`);
          const started = performance.now();
          const source = { kind: 'folder', path: folder.path } as const;
          const { id } = await host.client.call('builds.start', { app: APP, source });
          await untilAnswers(
            async () => (await get(host.routerPort, APP, '/')).body,
            (body) => body === `ours ${round}\n`,
          );
          const seconds = (performance.now() - started) / 1000;
          await waitFor('the deploy to end', async () => {
            const build = await host.client.call('builds.get', { app: APP, build: id });
            return build.finishedAt !== null;
          });
          return seconds;
        },
      },
      peer: {
        name: 'docker build + docker run',
        async round(round) {
          await sleep(REST);
          await writeFile(join(peer.folder, 'greeting.js'), `export const greeting = 'theirs ${round}';\n`);
          const started = performance.now();
          await peer.build();
          const id = await peer.start((body) => body === `theirs ${round}\n`);
          const seconds = (performance.now() - started) / 1000;
          await peer.docker('rm', '--force', id);
          return seconds;
        },
      },
      close,
    };
  },
};
