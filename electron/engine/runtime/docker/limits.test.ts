import { expect, test } from 'vitest';
import { DYNO_SIZES, type DynoSize, findSize } from '#shared/model/size.ts';
import type { Daemon } from './daemon.ts';
import { dynoLimits } from './limits.ts';

const GIB = 1024 ** 3;

function limitsOf(size: DynoSize | undefined, memoryGiB: number, cpus: number): Record<string, number> {
  const limits = { cpu: true, memory: true, pids: true };
  const facts = { engine: 'docker', cpus, limits, memoryBytes: memoryGiB * GIB };
  if (size === undefined) throw new Error('no such size');
  return dynoLimits({ facts } as unknown as Daemon, size) as Record<string, number>;
}

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
