import { defineConfig } from 'vitest/config';
import LongestFirst from './test/setup/longest-first.ts';
import { memoryFolder } from './test/setup/temporary.ts';

/**
 * Files that have the machine for themselves: they start and end a Docker of their own, which takes the default network from the machine's
 * for a moment, use up all its networks, replace what hosts are started from, or have to be done within a time.
 */
const ALONE = [
  'electron/engine/runtime/docker/docker-runtime.test.ts',
  'test/faults/*.test.ts',
  'test/packaging/*.test.ts',
  'test/ui/acceptance.test.ts',
];
/** Whole engines mostly wait: for a registry, for Docker, for dynos. */
const TWO_AT_A_TIME = { exclude: ALONE, maxWorkers: 2, hookTimeout: 240_000 };

const memory = memoryFolder();
/**
 * Most of the time of whole engines on a disk goes into small files, so their temporary folder is in memory where there is enough.
 * Unit tests, the contract of the runtimes and those alone stay on the disk.
 */
const IN_MEMORY = {
  env: memory === null ? {} : { TMPDIR: memory },
  globalSetup: './test/setup/temporary.ts',
};

/** Unit tests run side by side, then files with whole engines and Docker two at a time, then those that nothing may run beside. */
export default defineConfig({
  test: {
    reporters: ['default', './test/setup/plain-result.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{shared,electron,renderer,bench}/**/*.test.{ts,tsx}', 'test/unit/*.test.ts'],
          exclude: ['electron/engine/runtime/**'],
          // Vitest keeps one core for itself, which is half of a small machine.
          maxWorkers: '100%',
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...TWO_AT_A_TIME,
          name: 'runtime',
          include: ['electron/engine/runtime/**/*.test.ts', 'test/runtime-contract/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
        },
      },
      {
        test: {
          ...TWO_AT_A_TIME,
          ...IN_MEMORY,
          name: 'buildpacks',
          include: ['test/buildpacks/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
        },
      },
      {
        test: {
          ...TWO_AT_A_TIME,
          ...IN_MEMORY,
          name: 'end-to-end',
          include: ['test/{e2e,ui,contract,desktop}/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'alone',
          include: ALONE,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 600_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
