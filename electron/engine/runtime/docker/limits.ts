import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { type DynoSize, memoryOn } from '#shared/model/size.ts';
import type { Daemon } from './daemon.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Most processes and threads of a build's container. */
const BUILD_PROCESSES = 8192;
/** Shares of the processor that one standard-1x dyno has against others (Docker's usual value). */
const SHARES_PER_UNIT = 1024;
const MAX_SHARES = 262_144;
/** How much of its share of the processor a dyno may use while others leave it (reference: heroku-platform 3.8). */
const BURST = 4;

/**
 * Where the kernel ends a dyno, in quotas: above the two at which the engine does (R15), so that the kernel is the last resort
 * for a dyno that grows faster than it is looked at (reference: heroku-platform 3.9).
 */
const HARD_LIMIT = 2.125;

/** Memory of the daemon's machine in MiB; of this one when the daemon does not tell. */
export function machineMemory({ facts }: Daemon): number {
  return (facts.memoryBytes > 0 ? facts.memoryBytes : totalmem()) / MIB;
}

/**
 * Limits of a dyno, as host configuration: never more than the machine has. Sizes above the machine get all of it, and
 * shares keep their relation to smaller ones.
 */
export function dynoLimits(daemon: Daemon, size: DynoSize): object {
  const { cpus, limits } = daemon.facts;
  const machine = machineMemory(daemon);
  const memory = Math.floor(Math.min(HARD_LIMIT * memoryOn(machine, size), machine)) * MIB;
  return {
    ...(limits.memory ? { Memory: memory, MemorySwap: memory } : {}),
    ...(limits.cpu ? { NanoCpus: Math.min(cpus, BURST * size.cpuShare) * 1_000_000_000 } : {}),
    ...(limits.pids ? { PidsLimit: size.maxProcesses } : {}),
    CpuShares: Math.min(MAX_SHARES, size.cpuShare * SHARES_PER_UNIT),
    ...ulimits(daemon),
  };
}

/** What one build may use, whatever builds it; null where the machine sets no such limit. */
export interface BuildLimits {
  /** Half of the machine's memory, and at least 4 GB where there is so much; in bytes. */
  readonly memoryBytes: number | null;
  /** All processors but one, which router and dynos have for themselves; of two all. */
  readonly cpus: number | null;
}

/** Limits of a build on a daemon's machine. */
export function buildLimits({ facts: { cpus, memoryBytes, limits } }: Daemon): BuildLimits {
  const memory = Math.min(memoryBytes, Math.max(4 * GIB, Math.floor(memoryBytes / 2)));
  return {
    memoryBytes: memoryBytes > 0 && limits.memory ? Math.floor(memory / MIB) * MIB : null,
    cpus: cpus > 2 && limits.cpu ? cpus - 1 : null,
  };
}

/** The same as host configuration of a container. */
export function buildHostLimits(daemon: Daemon): object {
  const { memoryBytes, cpus } = buildLimits(daemon);
  return {
    ...(memoryBytes === null ? {} : { Memory: memoryBytes }),
    ...(cpus === null ? {} : { NanoCpus: cpus * 1_000_000_000 }),
    ...(daemon.facts.limits.pids ? { PidsLimit: BUILD_PROCESSES } : {}),
  };
}

/** Podman asks for more open files than some machines allow; there every container carries the machine's own limits (reference: feasibility 7). */
export function ulimits(daemon: Daemon): object {
  if (daemon.facts.engine !== 'podman') return {};
  const limits = hardLimits();
  return {
    Ulimits: [
      { Name: 'nofile', Soft: limits.nofile, Hard: limits.nofile },
      { Name: 'nproc', Soft: limits.nproc, Hard: limits.nproc },
    ],
  };
}

function hardLimits(): { nofile: number; nproc: number } {
  let text = '';
  try {
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux: the daemon is in a machine of its own, and modest values fit it.
  }
  const limit = (name: string, most: number): number => {
    const found = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(text)?.[1];
    return Math.min(most, found === undefined ? most : Number(found));
  };
  return { nofile: limit('Max open files', 65_536), nproc: limit('Max processes', 32_768) };
}
