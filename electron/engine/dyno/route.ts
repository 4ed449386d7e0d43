import type { Backend, Route } from '../router/routing-table.ts';
import type { AppDesire } from './desired.ts';
import type { DynoRecord } from './dyno-table.ts';

/**
 * What the router shall know of an app: the up web dynos of the serving release; those of any other
 * release only while the serving one has none.
 */
export function routeOf(app: AppDesire, records: readonly DynoRecord[]): Route {
  const web = records.filter((record) => record.type === 'web' && record.state !== 'stopping');
  const up = web.filter((record) => record.state === 'up' && !record.ended);
  const serving = up.filter((record) => record.release === app.serving?.wanted.version);
  const backends = app.asleepSince === null ? (serving.length > 0 ? serving : up).flatMap(toBackend) : [];
  return { appId: app.appId, appName: app.appName, state: routeState(app, web, backends), backends };
}

/**
 * The first crash is followed by a start at once, so requests wait for it; the platform's H10 is for an app that crashes again
 * (reference: heroku-platform 3.3, 4.1).
 */
function routeState(
  app: AppDesire,
  web: readonly DynoRecord[],
  backends: readonly Backend[],
): Route['state'] {
  if (backends.length > 0) return 'up';
  if (app.target === null) return 'blank';
  if (app.asleepSince !== null) return 'asleep';
  const wanted = app.target.wanted.types.find((each) => each.type === 'web')?.quantity ?? 0;
  if (wanted === 0) return 'off';
  const crashed = web.length > 0 && web.every((record) => record.crashes > 1);
  return crashed ? 'crashed' : 'starting';
}

function toBackend(record: DynoRecord): Backend[] {
  const address = record.instance?.address ?? null;
  return address === null ? [] : [{ dynoId: record.id, name: record.name, address }];
}
