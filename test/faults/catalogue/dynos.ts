import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { whyNoDocker } from '../../e2e/support/docker.ts';
import { waitFor } from '../../e2e/support/host.ts';
import type { Fault, FaultGroup } from '../support/fault.ts';
import { type Finding, measure, promiseLines, promiseLog, promiseNothingBeside } from '../support/measure.ts';
import { APP, openWorld, type World } from '../support/world.ts';
import { GREEDY } from './greedy.ts';

const run = promisify(execFile);

/** Containers of the app's dynos. */
async function containers(world: World): Promise<string[]> {
  const found = await Promise.all(
    (await world.dynos()).map(({ id }) =>
      run('docker', ['ps', '--quiet', '--no-trunc', '--filter', `label=io.slipway.dyno=${id}`]),
    ),
  );
  return found.map(({ stdout }) => stdout.trim()).filter((id) => id !== '');
}

/** Does something to containers of the app's dynos, as one who does not know of Slipway. */
async function harmContainers(world: World, command: readonly string[], count: number): Promise<Finding> {
  const before = await world.dynos();
  const chosen = (await containers(world)).slice(0, count);
  const finding = await measure(world, {
    cause: async () => void (await run('docker', [...command, ...chosen])),
    async healed() {
      const old = new Set(before.map(({ id }) => id));
      const left = (await world.dynos()).filter(({ id }) => old.has(id));
      return left.length === before.length - count && (await world.isWhole());
    },
  });
  return promiseLog(promiseNothingBeside(finding), 'State changed from up to crashed', 'to up');
}

const killOne: Fault = {
  name: 'kill -9 of one of two dynos',
  run: (world) => harmContainers(world, ['kill', '--signal', 'KILL'], 1),
};

const killAll: Fault = {
  name: 'kill -9 of all dynos',
  run: (world) => harmContainers(world, ['kill', '--signal', 'KILL'], 2),
};

/** Docker deletes a container's output with it, so lines of the last moment may be gone before anybody can read them. */
const removeAll: Fault = {
  name: '`docker rm -f` of all dynos',
  run: async (world) => {
    const finding = await harmContainers(world, ['rm', '--force'], 2);
    finding.broken.splice(0, Infinity, ...finding.broken.filter((it) => it !== 'no line is lost'));
    return finding;
  },
};

const killEngine: Fault = {
  name: 'kill -9 of the engine',
  async run(world) {
    const before = (await world.dynos()).map(({ id }) => id);
    const finding = await measure(world, {
      async cause() {
        await world.host.kill();
        await world.startEngine();
      },
      healed: () => world.isWhole(),
    });
    const after = (await world.dynos()).map(({ id }) => id);
    if (before.some((id) => !after.includes(id))) finding.broken.push('dynos do not notice');
    return promiseLines(finding);
  },
};

const notBound: Fault = {
  name: 'a release that does not bind $PORT',
  fullOnly: true,
  async run(world) {
    const finding = await measure(world, {
      patience: 180_000,
      async cause(from) {
        await world.configure({ NO_BIND: '1' });
        const told = async (): Promise<boolean> =>
          (await world.log()).some(({ text }) => text.startsWith('Error R10'));
        await waitFor('R10', told, 90_000);
        await world.configure({ NO_BIND: null });
        from();
      },
      healed: () => world.isWhole(),
    });
    finding.notes.push('the release before it served on; counted from the correction');
    if (finding.app.failures.size > 0) finding.broken.push('the release before it serves on');
    return promiseLog(promiseNothingBeside(finding), 'Error R10');
  },
};

const ignoresTerm: Fault = {
  name: 'dynos that ignore SIGTERM',
  fullOnly: true,
  async run(world) {
    await world.configure({ IGNORE_TERM: '1' });
    await world.untilWhole();
    const finding = await measure(world, {
      patience: 120_000,
      async cause() {
        await world.configure({ IGNORE_TERM: null });
      },
      async healed() {
        const told = (await world.log()).some(({ text }) => text.startsWith('Error R12'));
        return told && (await world.isWhole());
      },
    });
    finding.notes.push('new dynos serve meanwhile; healthy when the old ones are gone');
    if (finding.app.failures.size > 0) finding.broken.push('no request fails');
    return promiseLog(promiseNothingBeside(finding), 'Error R12', 'SIGKILL');
  },
};

/** Faults of dynos and of the engine, on the machine's Docker. */
export const ON_DOCKER: FaultGroup = {
  name: `${APP} on Docker`,
  faults: [killOne, killAll, removeAll, killEngine, notBound, ignoresTerm, ...GREEDY],
  whyNot: whyNoDocker,
  async open() {
    const world = await openWorld();
    return { world, close: () => world.close() };
  },
};
