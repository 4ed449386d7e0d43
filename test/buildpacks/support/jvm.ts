import { vi } from 'vitest';
import type { GoodApp } from './language.ts';

/** Builds fetch a JDK, a build tool and its packages; the first of a machine may take minutes. */
vi.setConfig({ testTimeout: 900_000 });

const ALL = process.env['SLIPWAY_TEST_JVM'] === 'all';

/** Apps that are too big for each run of the tests; says so when they are left out. */
export function bigApps(apps: readonly GoodApp[]): readonly GoodApp[] {
  if (ALL) return apps;
  for (const { fixture } of apps)
    console.log(`Skipped: ${fixture}, because its build fetches much. Run with SLIPWAY_TEST_JVM=all.`);
  return [];
}
