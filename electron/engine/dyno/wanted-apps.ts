import type { Store } from '../store/store.ts';
import { type AppDesire, readDesire } from './desired.ts';
import type { DesiredApp } from './plan.ts';

/** What shall run, as the store had it when an app was last read, and which single dynos shall be replaced. */
export class WantedApps {
  private readonly store: Store;
  private readonly apps = new Map<string, AppDesire>();
  private readonly epochs = new Map<string, Map<string, number>>();

  constructor(store: Store) {
    this.store = store;
  }

  /** Reads an app anew from the store. */
  read(appId: string): void {
    const desire = readDesire(this.store, appId);
    if (desire === null) this.apps.delete(appId);
    else this.apps.set(appId, desire);
  }

  /** Undefined for one that is gone. */
  get(appId: string): AppDesire | undefined {
    return this.apps.get(appId);
  }

  all(): AppDesire[] {
    return [...this.apps.values()];
  }

  /** The app goes. */
  forget(appId: string): void {
    this.apps.delete(appId);
    this.epochs.delete(appId);
  }

  /** From here on another dyno is wanted in place of the one that has this name. */
  replace(appId: string, name: string): void {
    const epochs = this.epochs.get(appId) ?? new Map<string, number>();
    this.epochs.set(appId, epochs.set(name, this.epochOf(appId, name) + 1));
  }

  /** How often a dyno of this name was to be replaced. */
  epochOf(appId: string, name: string): number {
    return this.epochs.get(appId)?.get(name) ?? 0;
  }

  /** The apps that have code, as `plan` wants them. @param cycling whether dynos are replaced once a day */
  forPlan(cycling: boolean): DesiredApp[] {
    return this.all().flatMap((app) =>
      app.target === null
        ? []
        : [
            {
              appId: app.appId,
              target: app.target.wanted,
              serving: app.serving?.wanted ?? null,
              epochs: this.epochs.get(app.appId) ?? new Map<string, number>(),
              order: app.options.deployOrder,
              asleep: app.asleepSince !== null,
              cycling,
            },
          ],
    );
  }
}
