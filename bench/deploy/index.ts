import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expressApp } from '../../test/e2e/support/app-folder.ts';
import { deploy, startHost, waitFor } from '../../test/e2e/support/host.ts';
import { get } from '../../test/e2e/support/load.ts';
import type { BenchDefinition } from '../lib/definition.ts';
import { openDockerPeer, PEER_IMAGE, untilAnswers } from '../lib/docker-peer.ts';

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
    const folder = await expressApp();
    const host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
    await host.client.call('apps.create', { name: APP });
    await deploy(host, APP, folder.path);
    const peer = await openDockerPeer(folder.path);
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
          const id = await peer.docker('run', '--detach', '--publish', '127.0.0.1::3000', PEER_IMAGE);
          const address = await peer.address(id);
          await untilAnswers(
            async () => (await fetch(`http://${address}/`)).text(),
            (body) => body === `theirs ${round}\n`,
          );
          const seconds = (performance.now() - started) / 1000;
          await peer.docker('rm', '--force', id);
          return seconds;
        },
      },
      async close() {
        await host.client.call('apps.destroy', { app: APP, confirm: APP });
        await host.stop();
        await peer.close();
        await folder.remove();
      },
    };
  },
};
