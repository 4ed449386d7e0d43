import { randomUUID } from 'node:crypto';
import type { DynoManagerOptions } from './context.ts';
import type { AppDesire, RunnableRelease } from './desired.ts';
import { dynoSpec } from './lifecycle.ts';
import type { Step } from './plan.ts';

/** The one dyno of a release that gets a place ahead. */
const FIRST = { type: 'web', number: 1, name: 'web.1' } as const;

interface Reservation {
  readonly dynoId: string;
  readonly release: number;
  readonly size: string;
}

/** Places for the first web dynos of releases that are being compiled, one for each app. */
export class DynoReservations {
  private readonly options: DynoManagerOptions;
  private readonly byApp = new Map<string, Reservation>();

  constructor(options: DynoManagerOptions) {
    this.options = options;
  }

  /** Reserves a place for `web.1` of the app's next release. */
  make(app: AppDesire): void {
    const { target } = app;
    const web = target?.wanted.types.find((each) => each.type === FIRST.type);
    if (target === null || web === undefined || web.quantity === 0 || this.byApp.has(app.appId)) return;
    const reservation = {
      dynoId: randomUUID(),
      release: this.options.store.newestVersion(app.appId) + 1,
      size: web.size,
    };
    this.byApp.set(app.appId, reservation);
    const record = {
      ...{ id: reservation.dynoId, appId: app.appId, name: FIRST.name, type: FIRST.type },
      ...{
        release: reservation.release,
        size: web.size,
        command: target.slug.processTypes[FIRST.type] ?? '',
      },
    };
    const slug = this.options.slugRef(target.slug);
    const spec = dynoSpec({ appName: app.appName, release: target.release, slug, record, told: null });
    this.options.runtime.reserveDyno(spec).catch((error: unknown) => {
      this.options.onProblem('reserving a dyno', error);
    });
  }

  /** The id of the reserved place for a dyno that is about to start, or null; it is that dyno's from here on. */
  take(step: Extract<Step, { kind: 'start' }>, release: RunnableRelease): string | null {
    const found = this.byApp.get(step.appId);
    const isFirst = step.type === FIRST.type && step.number === FIRST.number && step.replaces === null;
    if (
      found === undefined ||
      !isFirst ||
      found.release !== release.wanted.version ||
      found.size !== step.size
    )
      return null;
    this.byApp.delete(step.appId);
    return found.dynoId;
  }

  /** Gives a place up that nobody took. */
  drop(appId: string): void {
    const found = this.byApp.get(appId);
    if (found === undefined) return;
    this.byApp.delete(appId);
    this.options.runtime.removeDyno(found.dynoId).catch((error: unknown) => {
      this.options.onProblem('giving a reserved dyno up', error);
    });
  }
}
