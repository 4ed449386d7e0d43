import type { AppDesire } from './desired.ts';
import type { DynoRecord } from './dyno-table.ts';

/** How a release's hand-over ended. */
export type HandOver = { readonly serving: true } | { readonly serving: false; readonly reason: string };

/** Whether a release (or a later one) serves, or does not come up; null while that is open. */
export function handOver(app: AppDesire, version: number, dynos: readonly DynoRecord[]): HandOver | null {
  const serving = app.serving?.wanted.version;
  if (serving !== undefined && serving >= version) return { serving: true };
  if (app.target !== null && app.target.wanted.version > version) {
    return { serving: false, reason: `v${app.target.wanted.version} took its place` };
  }
  const crashed = dynos.find(
    (record) => record.release === version && (record.state === 'crashed' || record.crashes > 0),
  );
  return crashed === undefined
    ? null
    : { serving: false, reason: `${crashed.name} crashed: ${crashed.reason ?? 'it crashed before'}` };
}
