import { defineConfig } from 'vitest/config';

/** Unit tests run side by side; what uses Docker or whole engines runs one after the other. */
export default defineConfig({
  test: {
    reporters: ['default', './test/setup/plain-result.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{shared,electron,renderer,bench}/**/*.test.{ts,tsx}', 'test/unit/*.test.ts'],
          exclude: ['electron/engine/runtime/**'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'runtime',
          include: [
            'electron/engine/runtime/**/*.test.ts',
            'test/runtime-contract/*.test.ts',
            'test/buildpacks/*.test.ts',
          ],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/{e2e,faults,ui,contract,packaging,desktop}/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 600_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
