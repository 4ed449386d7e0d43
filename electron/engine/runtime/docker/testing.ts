import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../util/clock.ts';
import { registrySettings } from '../registries.ts';
import { listContainers } from './containers.ts';
import { connectDaemon, type Daemon, type DaemonFacts } from './daemon.ts';
import { createDockerRuntime, type DockerRuntime } from './docker-runtime.ts';
import { listImages } from './images.ts';
import { labelFilter } from './names.ts';
import { listNetworks, listVolumes } from './networks.ts';

/** Limit of one test in milliseconds; a deadline for broken code, nothing is measured with it. */
export const LIMIT = 120_000;

/** A runtime under test, and whose its things in Docker are. */
export interface Opened {
  readonly runtime: DockerRuntime;
  readonly owner: string;
}

/** Differs for some tests: the owner, the way to the daemon, what the daemon can do. */
interface Wishes {
  readonly owner?: string;
  readonly socketPath?: string;
  readonly facts?: Partial<DaemonFacts>;
}

/** What tests of the runtime get. */
export interface DockerBed {
  readonly daemon: Daemon;
  /** Makes a runtime, which is purged behind the tests. */
  readonly open: (wishes?: Wishes) => Promise<Opened>;
  /** A folder for the tests. */
  readonly folder: () => string;
}

/** Registers tests of the Docker runtime; without Docker says why they do not run. Nothing of theirs may be left in Docker. */
export async function dockerTests(name: string, register: (bed: DockerBed) => void): Promise<void> {
  const reached = await connectDaemon({ socketPath: null }).catch(String);
  describe(name, () => {
    if (typeof reached === 'string') test.skip(`not run: ${reached}`, () => undefined);
    else register(makeBed(reached));
  });
}

function makeBed(daemon: Daemon): DockerBed {
  const opened: Opened[] = [];
  let folder = '';
  const open = async ({
    owner = `test-${randomUUID()}`,
    socketPath,
    facts,
  }: Wishes = {}): Promise<Opened> => {
    const runtime = await createDockerRuntime({
      ownerId: owner,
      stateDir: join(folder, owner),
      clock: systemClock,
      buildEnv: { ...registrySettings(), BUILD_SETTING: 'b' },
      diagnostics: { note: () => undefined, problem: () => undefined },
      ...(facts === undefined ? {} : { daemon: { ...daemon, facts: { ...daemon.facts, ...facts } } }),
      ...(socketPath === undefined ? {} : { socketPath }),
    });
    const made = { runtime, owner };
    opened.push(made);
    return made;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-docker-'));
    const { runtime } = await open();
    await runtime.prepare('slipway-13', () => undefined, new AbortController().signal);
  }, 15 * 60_000);
  afterAll(async () => {
    for (const { runtime, owner } of opened) {
      await runtime.purge();
      await runtime.close();
      expect(await leftOf(daemon, owner)).toBe(0);
    }
    await rm(folder, { recursive: true, force: true });
  }, LIMIT);
  return { daemon, open, folder: () => folder };
}

/** How many things of an owner are in Docker. */
export async function leftOf(daemon: Daemon, owner: string): Promise<number> {
  const label = labelFilter(owner);
  const lists = [listContainers, listImages, listNetworks, listVolumes] as const;
  const rows = await Promise.all(lists.map((list) => list(daemon, label) as Promise<readonly unknown[]>));
  return rows.reduce((sum, row) => sum + row.length, 0);
}
