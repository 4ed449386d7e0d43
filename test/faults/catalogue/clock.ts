import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whyNoDocker } from '../../e2e/support/docker.ts';
import type { Fault, FaultGroup } from '../support/fault.ts';
import { failed, measure, promise, promiseNothingBeside } from '../support/measure.ts';
import { openWorld } from '../support/world.ts';

/** The engine's clock is set by this much, there and back; seconds. */
const JUMPS = ['+86400', '-86400', '+0'];

let clockFile = '';

const jump: Fault = {
  name: 'the clock jumps by a day, there and back',
  async run(world) {
    const before = (await world.dynos()).map(({ id }) => id);
    const finding = await measure(world, {
      async cause() {
        for (const offset of JUMPS) {
          await writeFile(clockFile, `${offset}\n`);
          await sleep(3_000);
          const { at } = (await world.log()).findLast(({ ps }) => ps === 'router') ?? { at: 0 };
          const ahead = Math.round((at / 1000 - Date.now()) / 1000);
          promised.push(Math.abs(ahead - Number(offset)) < 60);
        }
      },
      healed: () => world.isWhole(),
    });
    promise(finding, 'the clock of the engine jumped', promised.every(Boolean));
    const after = (await world.dynos()).map(({ id }) => id);
    promise(
      finding,
      'no dyno is replaced',
      before.every((id) => after.includes(id)),
    );
    promise(finding, 'no request fails', failed(finding.app) === 0);
    finding.notes.push('counted from the first jump; includes three waits of 3 s');
    return promiseNothingBeside(finding);
  },
};

/** Whether the engine was seen to have each of the times. */
const promised: boolean[] = [];

function library(): string | null {
  if (process.platform !== 'linux') return null;
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const folder = `/usr/lib/${machine}-linux-gnu/faketime`;
  try {
    const found = readdirSync(folder).find((name) => name === 'libfaketimeMT.so.1');
    return found === undefined ? null : join(folder, found);
  } catch {
    return null;
  }
}

function whyNoOtherClock(): string | null {
  const docker = whyNoDocker();
  if (docker !== null) return docker;
  if (library() !== null) return null;
  // A name space of the kernel has a clock of its own for the time since the start only, and the machine's clock is everybody's.
  const reason = 'There is no libfaketime (Debian: apt-get install libfaketime): the clock is not set';
  console.log(reason);
  return reason;
}

/** The engine's clock is set while it runs; its clock that only grows is not. */
export const WITH_OTHER_CLOCK: FaultGroup = {
  name: 'A clock that jumps',
  faults: [jump],
  whyNot: whyNoOtherClock,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-clock-'));
    clockFile = join(folder, 'offset');
    await writeFile(clockFile, '+0\n');
    const world = await openWorld({
      LD_PRELOAD: library() ?? '',
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    });
    return {
      world,
      async close() {
        await world.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};
