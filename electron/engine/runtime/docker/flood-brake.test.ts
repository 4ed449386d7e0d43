import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, test } from 'vitest';
import { never, STACK, until } from '../../../../test/runtime-contract/world.ts';
import { systemClock } from '../../util/clock.ts';
import { createContainer, readLogs, removeContainer, startContainer } from './containers.ts';
import { connectDaemon } from './daemon.ts';
import { createDockerRuntime } from './docker-runtime.ts';
import { FloodBrake } from './flood-brake.ts';
import { runImage } from './stack-recipe.ts';

const MIB = 2 ** 20;
/** Prints 2 MB a second or so, in numbered lines. */
const PRINT = `perl -e '$| = 1; my $x = "x" x 1990; for ($i = 1; ; $i++) { print "$i $x\\n"; select(undef, undef, undef, 0.001) }'`;

const daemon = await connectDaemon({ socketPath: null }).catch((error: unknown) => String(error));
const made: string[] = [];

afterEach(async () => {
  if (typeof daemon !== 'string') for (const id of made.splice(0)) await removeContainer(daemon, id);
});

/** A container that prints, and the number of the last line in its log. */
async function printing() {
  if (typeof daemon === 'string') throw new Error(daemon);
  const stateDir = await mkdtemp(join(tmpdir(), 'slipway-brake-'));
  const diagnostics = { note: () => undefined, problem: () => undefined };
  const base = { ownerId: `test-${randomUUID()}`, stateDir, buildEnv: {}, clock: systemClock };
  const runtime = await createDockerRuntime({ ...base, diagnostics });
  await runtime.prepare(STACK, () => undefined, never);
  await runtime.close();
  await rm(stateDir, { recursive: true });
  const id = await createContainer(daemon, '', { Image: runImage(STACK), Cmd: ['bash', '-c', PRINT] });
  made.push(id);
  await startContainer(daemon, id);
  const last = async (): Promise<number> => {
    const log = await readLogs(daemon, id, Math.floor(Date.now() / 1000) - 3, false, never);
    let number = 0;
    for await (const chunk of log) {
      const numbers = [...(chunk as Buffer).toString('latin1').matchAll(/ (\d+) x/g)];
      number = Math.max(number, ...numbers.map(([, digits]) => Number(digits)));
    }
    return number;
  };
  return { daemon, id, last };
}

if (typeof daemon === 'string') {
  test.skip(`not run: ${daemon}`, () => undefined);
} else {
  test('a dyno that prints faster than it is read waits, and goes on as it is read', async () => {
    const { id, last } = await printing();
    await until('its first lines', async () => (await last()) > 0);
    // Nothing is due with this clock, so that it is not given any more by and by.
    using brake = new FloodBrake(daemon, id, { ...systemClock, after: () => () => undefined });
    brake.read(MIB);
    let stands = -1;
    await until('the dyno to stand still', async () => {
      const before = await last();
      await sleep(1_000);
      stands = await last();
      return stands === before;
    });
    brake.read(4 * MIB);
    await until('the dyno to go on', async () => (await last()) > stands);
  }, 120_000);

  test('a dyno whose output has been read goes on, whatever was counted; and so does one without a reader', async () => {
    const { id, last } = await printing();
    await until('its first lines', async () => (await last()) > 0);
    const brake = new FloodBrake(daemon, id, systemClock);
    brake.read(MIB);
    const before = await last();
    await until('more than it may be ahead', async () => (await last()) > before + 3_400);
    brake[Symbol.dispose]();
    const then = await last();
    await until('as much again', async () => (await last()) > then + 3_400);
  }, 120_000);
}
