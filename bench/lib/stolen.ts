import { existsSync, readFileSync } from 'node:fs';

/** Where Linux counts what its processors did; there is none elsewhere. */
const STATISTICS = '/proc/stat';

/**
 * Starts to watch what the host of a virtual machine takes from its processors; the answer tells its share of their time, 0 to 1, and 0
 * where nobody counts it.
 */
export function watchStolen(): () => number {
  const before = read();
  return () => {
    const after = read();
    return after.all === before.all ? 0 : (after.stolen - before.stolen) / (after.all - before.all);
  };
}

function read(): { readonly stolen: number; readonly all: number } {
  if (!existsSync(STATISTICS)) return { stolen: 0, all: 0 };
  // user, nice, system, idle, iowait, irq, softirq, steal; what guests had is in the first two already.
  const ticks = (readFileSync(STATISTICS, 'utf8').split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  return { stolen: ticks[7] ?? 0, all: ticks.reduce((sum, each) => sum + each, 0) };
}
