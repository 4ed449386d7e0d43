import { type AppOptions, ECO_SLEEP_MINUTES } from '#shared/model/options.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { findSize } from '#shared/model/size.ts';
import type { ReleaseRow, SlugRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { WantedRelease } from './plan.ts';

/** A release with everything that a dyno of it needs. */
export interface RunnableRelease {
  readonly wanted: WantedRelease;
  readonly release: ReleaseRow;
  readonly slug: SlugRow;
}

/** Wanted state of one app, read from the store; null for an app without code. */
export interface AppDesire {
  readonly appId: string;
  readonly appName: string;
  readonly target: RunnableRelease | null;
  readonly serving: RunnableRelease | null;
  readonly options: AppOptions;
  /** When it fell asleep, or null. */
  readonly asleepSince: string | null;
}

/** Reads what shall run: formation × current release, and the release that serves until that one is up. */
export function readDesire(store: Store, appId: string): AppDesire | null {
  const app = store.findApp(appId);
  if (app === null) return null;
  const current = store.currentRelease(appId);
  const target = current === null ? null : runnable(store, current);
  const servingRow =
    app.serving === null || app.serving === current?.version
      ? current
      : store.findRelease(appId, app.serving);
  const serving = app.serving === null || servingRow === null ? null : runnable(store, servingRow);
  const { options, asleepSince } = app;
  return { appId, appName: app.name, target, serving, options, asleepSince };
}

/**
 * Time without a request after which an app sleeps, in milliseconds; null when it never does. Only apps with a single web dyno sleep, and
 * unless the person says otherwise only those on Eco dynos (reference: heroku-platform 3.6).
 */
export function sleepAfter({ target, options }: AppDesire): number | null {
  const running = target?.wanted.types.filter((each) => each.quantity > 0) ?? [];
  if (running.find((each) => each.type === 'web')?.quantity !== 1) return null;
  const byTier = running.every((each) => each.size === 'Eco') ? ECO_SLEEP_MINUTES : 0;
  const minutes = options.sleepAfterMinutes ?? byTier;
  return minutes === 0 ? null : minutes * 60_000;
}

function runnable(store: Store, release: ReleaseRow): RunnableRelease | null {
  const slug = release.slugId === null ? null : store.findSlug(release.slugId);
  if (slug === null) return null;
  const formation = store.formation(release.appId);
  const types = formation
    .filter((entry) => entry.type !== RELEASE_TYPE)
    .filter((entry) => Object.hasOwn(slug.processTypes, entry.type) && findSize(entry.size) !== undefined)
    .map((entry) => ({ type: entry.type, quantity: entry.quantity, size: entry.size }));
  return { wanted: { version: release.version, types }, release, slug };
}
