import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SlipwayError } from '#shared/errors.ts';
import { whyNoDocker } from '../../e2e/support/docker.ts';
import { deploy, waitFor } from '../../e2e/support/host.ts';
import type { Fault, FaultGroup } from '../support/fault.ts';
import { failed, measure, promise, promiseNothingBeside } from '../support/measure.ts';
import { APP, openWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
const DISK_BYTES = 400 * 1024 * 1024;
const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'restless-app');

/** What is said to one who changes something while the disk is full. */
async function complaints(world: World): Promise<string[]> {
  const updates = [{ type: 'web', quantity: 3 }];
  const scaled = await world.host.client.call('formation.update', { app: APP, updates }).then(
    () => 'scaled',
    (error: unknown) => (error instanceof SlipwayError ? error.message : String(error)),
  );
  const deployed = await deploy(world.host, APP, FIXTURE).then(
    ({ failure }) => failure?.message ?? 'deployed',
    (error: unknown) => (error instanceof SlipwayError ? error.message : String(error)),
  );
  return [scaled, deployed];
}

const homeFull: Fault = {
  name: 'the disk of the data folder is full',
  async run(world) {
    const filler = join(world.home, 'filler');
    const [victim] = await world.dynos();
    let said: string[] = [];
    const finding = await measure(world, {
      async cause(from) {
        await run('sh', ['-c', `dd if=/dev/zero of=${filler} bs=64k 2>/dev/null; true`]);
        await run('sh', [
          '-c',
          `docker kill $(docker ps -q --filter label=io.slipway.dyno=${victim?.id ?? ''})`,
        ]);
        await waitFor('a new dyno', async () => {
          const dynos = await world.dynos();
          return dynos.every(({ id, state }) => id !== victim?.id && state === 'up');
        });
        said = await complaints(world);
        await sleep(2_000);
        await rm(filler);
        from();
        await sleep(2_000);
        // What was only in memory has to be on the disk by now.
        await world.host.kill();
        await world.startEngine();
      },
      healed: () => world.isWhole(),
    });
    for (const text of said) {
      promise(finding, `the message speaks of the disk (${text})`, /disk|space/i.test(text));
    }
    finding.notes.push(
      'a dyno was killed meanwhile and replaced; includes a kill -9 of the engine, to see what is on the disk',
    );
    if (failed(finding.beside) > 0) finding.notes.push('failed requests are those of the kill -9');
    const { broken } = promiseNothingBeside(finding);
    broken.splice(0, Infinity, ...broken.filter((text) => !text.startsWith('the app beside')));
    return finding;
  },
};

function whyNoSmallDisk(): string | null {
  const docker = whyNoDocker();
  if (docker !== null) return docker;
  const ok =
    process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('which', ['mount']).status === 0;
  if (ok) return null;
  const reason = 'A small disk of its own needs Linux and root: tests of a full disk are skipped';
  console.log(reason);
  return reason;
}

/** The data folder lies on a small disk that is full. */
export const ON_SMALL_DISK: FaultGroup = {
  name: 'A full disk',
  faults: [homeFull],
  whyNot: whyNoSmallDisk,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-small-disk-'));
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'slipway-small-disk', folder]);
    const unmount = async (): Promise<void> => {
      await run('umount', [folder]);
      await rm(folder, { recursive: true });
    };
    try {
      const home = join(folder, 'home');
      await mkdir(home);
      const world = await openWorld(undefined, home);
      return {
        world,
        async close() {
          await world.close();
          await unmount();
        },
      };
    } catch (error) {
      await unmount();
      throw error;
    }
  },
};
