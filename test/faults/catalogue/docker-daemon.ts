import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { waitFor } from '../../e2e/support/host.ts';
import { type PrivateDocker, startPrivateDocker, whyNoPrivateDocker } from '../../support/private-docker.ts';
import type { Fault, FaultGroup } from '../support/fault.ts';
import { failed, type Finding, measure, promise, promiseLines, promiseLog } from '../support/measure.ts';
import { openWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
/** How long Docker is away, in milliseconds. */
const AWAY = { short: 3_000, full: 30_000 };

let docker: PrivateDocker;

async function isAvailable(world: World): Promise<boolean> {
  return (await world.host.client.call('system.info', {})).runtime.available;
}

/** Ends Docker, waits, starts it again. */
async function away(world: World, end: () => Promise<void>, ms: number): Promise<Finding> {
  const before = (await world.dynos()).map(({ id }) => id);
  const finding = await measure(world, {
    patience: 120_000,
    async cause(from) {
      await end();
      await waitFor('the engine to notice', async () => !(await isAvailable(world)), 10_000);
      await sleep(ms);
      await docker.start();
      from();
    },
    async healed() {
      const old = (await world.dynos()).some(({ id }) => before.includes(id));
      return !old && (await isAvailable(world)) && (await world.isWhole()) && (await world.isWhole('beside'));
    },
  });
  finding.notes.push(`Docker was away for ${ms / 1000} s; counted from when it answered again`);
  return promiseLog(promiseLines(finding), 'State changed from up to crashed', 'to up');
}

const stopped: Fault = {
  name: 'Docker is stopped and started',
  run: (world, scale) => away(world, () => docker.stop(), AWAY[scale]),
};

const killed: Fault = {
  name: 'kill -9 of Docker and its containerd, and a start',
  run: (world, scale) => away(world, () => docker.kill(), AWAY[scale]),
};

const dockerDiskFull: Fault = {
  name: 'the disk of Docker is full',
  fullOnly: true,
  async run(world) {
    const filler = join(docker.dataRoot, 'filler');
    const [victim] = await world.dynos();
    const finding = await measure(world, {
      patience: 120_000,
      async cause(from) {
        await run('sh', ['-c', `dd if=/dev/zero of=${filler} bs=1M 2>/dev/null; sync; true`]);
        const id = await docker.docker('ps', '-q', '--filter', `label=io.slipway.dyno=${victim?.id ?? ''}`);
        await docker.docker('kill', id);
        await waitFor('the log to say it', async () =>
          (await world.log()).some(({ text }) => /disk/.test(text) && text.includes('R99')),
        );
        await run('rm', [filler]);
        from();
      },
      healed: () => world.isWhole(),
    });
    promise(finding, 'the app beside it loses no request', failed(finding.beside) === 0);
    finding.notes.push(
      'one of two dynos was killed meanwhile; lines that Docker itself could not write are lost',
    );
    return promiseLog(finding, 'the disk that Docker uses is full');
  },
};

/** Docker itself ends, or its disk is full: on a daemon of the test's own. */
export const ON_OWN_DOCKER: FaultGroup = {
  name: 'Docker of its own',
  faults: [stopped, killed, dockerDiskFull],
  whyNot: whyNoPrivateDocker,
  async open() {
    docker = await startPrivateDocker();
    try {
      const world = await openWorld({ DOCKER_HOST: docker.address });
      return {
        world,
        async close() {
          await world.close();
          await docker.close();
        },
      };
    } catch (error) {
      await docker.close();
      throw error;
    }
  },
};
