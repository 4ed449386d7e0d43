import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeMemory, MEMORY_EVERY, type MemoryFinding, MemoryWatch } from './memory-watch.ts';
import { settled, StillClock } from './testing.ts';

const MIB = 2 ** 20;

test('says megabytes and per cent of the quota; up to the quota there is nothing to say', () => {
  expect(judgeMemory(512 * MIB, 512)).toBeNull();
  expect(judgeMemory(1028.4 * MIB, 1024)).toMatchObject({ megabytes: 1028, code: 'R14' });
  expect(judgeMemory(1028.4 * MIB, 1024)?.percent.toFixed(1)).toBe('100.4');
  expect(judgeMemory(1024 * MIB, 512)).toEqual({ megabytes: 1024, percent: 200, code: 'R15' });
});

test('R14 lies between one and two quotas, R15 above', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2_000_000, noNaN: true }), fc.integer({ min: 1 }), (mib, quota) => {
      const code = judgeMemory(mib * MIB, quota)?.code ?? null;
      expect(code).toBe(mib * MIB <= quota * MIB ? null : mib * MIB < 2 * quota * MIB ? 'R14' : 'R15');
    }),
  );
});

function world() {
  const clock = new StillClock();
  const state = { reads: 0, running: ['a', 'b'], memory: 600, lost: false };
  const found: (MemoryFinding & { id: string })[] = [];
  const problems: string[] = [];
  const watch = new MemoryWatch<{ id: string }>({
    clock,
    running: () => state.running.map((id) => ({ id })),
    quotaOf: ({ id }) => (id === 'a' ? 512 : undefined),
    memoryOf: async () => {
      state.reads += 1;
      if (state.lost) throw new Error('Docker does not answer');
      return new Map(state.running.map((id) => [id, state.memory * MIB]));
    },
    onOver: (dyno, finding) => found.push({ ...dyno, ...finding }),
    onProblem: (what) => problems.push(what),
  });
  return { clock, state, found, problems, watch };
}

test('asks once for all dynos every twenty seconds, and tells each time', async () => {
  const { clock, state, found, watch } = world();
  watch.wake();
  watch.wake();
  await clock.pass(MEMORY_EVERY - 1);
  expect(state.reads).toBe(0);
  await clock.pass(1 + 2 * MEMORY_EVERY);
  expect([state.reads, found.length, found[0]?.id, found[0]?.code]).toEqual([3, 3, 'a', 'R14']);
});

test('asks nothing while no dyno runs, and nothing after its end', async () => {
  const { clock, state, watch } = world();
  state.running = [];
  watch.wake();
  await clock.pass(10 * MEMORY_EVERY);
  expect(state.reads).toBe(0);
  state.running = ['a'];
  watch.wake();
  await clock.pass(MEMORY_EVERY);
  expect(state.reads).toBe(1);
  state.running = [];
  await clock.pass(10 * MEMORY_EVERY);
  expect(state.reads).toBe(1);
  state.running = ['a'];
  watch.wake();
  watch.close();
  watch.wake();
  await clock.pass(10 * MEMORY_EVERY);
  await settled();
  expect(state.reads).toBe(1);
});

test('tells once that the runtime is lost, and goes on when it is back', async () => {
  const { clock, state, found, problems, watch } = world();
  state.lost = true;
  watch.wake();
  await clock.pass(3 * MEMORY_EVERY);
  expect([state.reads, problems]).toEqual([3, ['reading the memory of dynos']]);
  state.lost = false;
  await clock.pass(MEMORY_EVERY);
  expect(found.length).toBe(1);
});
