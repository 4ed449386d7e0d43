import { expect, test } from 'vitest';
import { DYNO_SIZES, type DynoSize, findSize } from '#shared/model/size.ts';
import type { Daemon } from './daemon.ts';
import { buildHostLimits, dynoLimits } from './limits.ts';

const GIB = 1024 ** 3;

function machine(memoryGiB: number, cpus: number, limited = true): Daemon {
  const limits = { cpu: limited, memory: limited, pids: limited };
  return { facts: { engine: 'docker', cpus, limits, memoryBytes: memoryGiB * GIB } } as unknown as Daemon;
}

function limitsOf(size: DynoSize | undefined, memoryGiB: number, cpus: number): Record<string, number> {
  if (size === undefined) throw new Error('no such size');
  return dynoLimits(machine(memoryGiB, cpus), size) as Record<string, number>;
}

test('a build leaves memory and a processor to what serves, where there is enough of both', () => {
  const PidsLimit = 8192;
  expect(buildHostLimits(machine(16, 8))).toEqual({ Memory: 8 * GIB, NanoCpus: 7e9, PidsLimit });
  expect(buildHostLimits(machine(6, 2))).toEqual({ Memory: 4 * GIB, PidsLimit });
  expect(buildHostLimits(machine(2, 1))).toEqual({ Memory: 2 * GIB, PidsLimit });
  expect(buildHostLimits(machine(0, 2))).toEqual({ PidsLimit });
  expect(buildHostLimits(machine(16, 8, false))).toEqual({});
});

test('the kernel ends a dyno above twice its quota, where R15 is; without swap, so that nothing is slow instead', () => {
  const { Memory, MemorySwap } = limitsOf(findSize('Standard-1X'), 16, 4);
  expect([Memory, MemorySwap]).toEqual([1088 * 2 ** 20, 1088 * 2 ** 20]);
});

test.each(DYNO_SIZES)('$name gets no more than the machine has, and its share against others', (size) => {
  for (const [memory, cpus] of [
    [4, 2],
    [8, 1],
    [256, 128],
  ] as const) {
    const { Memory = 0, NanoCpus = 0, CpuShares, PidsLimit } = limitsOf(size, memory, cpus);
    expect(Memory).toBeGreaterThan(0);
    expect(Memory).toBeLessThanOrEqual(memory * GIB);
    expect(NanoCpus / 1e9).toBeLessThanOrEqual(cpus);
    expect([CpuShares, PidsLimit]).toEqual([size.cpuShare * 1024, size.maxProcesses]);
  }
  expect(limitsOf(size, 512, 4)['Memory']).toBe(size.memoryMiB * 2.125 * 2 ** 20);
});
