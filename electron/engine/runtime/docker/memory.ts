import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { Semaphore } from '../../util/mutex.ts';
import type { Daemon } from './daemon.ts';
import { orMissing } from './errors.ts';

/** Most questions to the daemon at the same time; each makes it read a dozen files. */
const PARALLEL = 4;

/** Where the kernel tells of a container's memory, in the two versions of control groups, as Docker lays them out. */
interface Place {
  folder(root: string, container: string): string;
  readonly usage: string;
  /** Name in `memory.stat` of file cache that can go at any time. */
  readonly cache: string;
}

const V1 = { usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' };
const V2 = { usage: 'memory.current', cache: 'inactive_file' };
const PLACES: readonly Place[] = [
  { ...V2, folder: (root, id) => join(root, 'system.slice', `docker-${id}.scope`) },
  { ...V2, folder: (root, id) => join(root, 'docker', id) },
  { ...V1, folder: (root, id) => join(root, 'memory', 'docker', id) },
  { ...V1, folder: (root, id) => join(root, 'memory', 'system.slice', `docker-${id}.scope`) },
];

const Stats = z.object({
  memory_stats: z
    .object({ usage: z.number().optional(), stats: z.record(z.string(), z.unknown()).nullish() })
    .nullish(),
});

/** Reads how much memory containers use: from the kernel's files where they can be read, else from the daemon. */
export class MemoryReader {
  private readonly daemon: Daemon;
  private readonly root: string | null;
  private readonly turns = new Semaphore(PARALLEL);
  private place: Place | null = null;

  /** @param root folder of the control groups, or null when the daemon has to be asked */
  constructor(daemon: Daemon, root = defaultRoot(daemon)) {
    this.daemon = daemon;
    this.root = root;
  }

  /** Bytes that a container uses without the cache of files, or null when it does not run. */
  async read(container: string): Promise<number | null> {
    return (await this.fromFiles(container)) ?? (await this.turns.run(() => this.fromDaemon(container)));
  }

  private async fromFiles(container: string): Promise<number | null> {
    const { root } = this;
    if (root === null) return null;
    for (const place of this.place === null ? PLACES : [this.place]) {
      const bytes = await readPlace(place, place.folder(root, container));
      if (bytes === null) continue;
      this.place = place;
      return bytes;
    }
    return null;
  }

  private async fromDaemon(container: string): Promise<number | null> {
    const request = {
      method: 'GET',
      path: `/containers/${container}/stats`,
      query: { stream: false, 'one-shot': true },
      ok: [200],
    } as const;
    const answer = await orMissing(this.daemon.json(request));
    const memory = answer === null ? null : Stats.parse(answer).memory_stats;
    if (memory?.usage === undefined) return null;
    const cache = [V1.cache, V2.cache]
      .map((name) => memory.stats?.[name])
      .find((it) => typeof it === 'number');
    return Math.max(0, memory.usage - (cache ?? 0));
  }
}

function defaultRoot(daemon: Daemon): string | null {
  return process.platform === 'linux' && daemon.facts.address.startsWith('/') ? '/sys/fs/cgroup' : null;
}

async function readPlace(place: Place, folder: string): Promise<number | null> {
  try {
    const [usage, stat] = await Promise.all([
      readFile(join(folder, place.usage), 'latin1'),
      readFile(join(folder, 'memory.stat'), 'latin1'),
    ]);
    const cache = new RegExp(`^${place.cache} (\\d+)$`, 'm').exec(stat)?.[1] ?? '0';
    const bytes = Number(usage) - Number(cache);
    return Number.isFinite(bytes) ? Math.max(0, bytes) : null;
  } catch {
    return null;
  }
}
