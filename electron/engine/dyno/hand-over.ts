import type { DynoManagerOptions } from './context.ts';
import type { AppDesire } from './desired.ts';
import type { DynoRecord } from './dyno-table.ts';
import { stored } from './stored.ts';

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

/** Gives a release the traffic. @returns false when there is no room to write that down: the release before it serves on */
export function giveTraffic(options: DynoManagerOptions, appId: string, release: number): boolean {
  const { store } = options;
  return stored(options, `the hand-over to v${release}`, () => {
    store.atomically(() => {
      store.setServing(appId, release);
      store.setReleaseProblem(appId, release, null);
    });
  });
}

/** Marks a release whose dyno crashed before it ever served, so that everybody sees why the one before it serves on. */
export function noteCrash(
  options: DynoManagerOptions,
  app: AppDesire | undefined,
  { appId, release, name, reason }: DynoRecord,
): void {
  if (app?.target?.wanted.version !== release || app.serving?.wanted.version === release) return;
  const written = stored(options, `why v${release} crashed`, () => {
    options.store.setReleaseProblem(appId, release, `${name} crashed: ${reason ?? 'it ended'}`);
  });
  if (written) options.onReleaseChange(appId, release);
}
