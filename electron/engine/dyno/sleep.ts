import type { DynoManagerOptions } from './context.ts';
import { sleepAfter } from './desired.ts';
import { type DynoRecord, type DynoTable, idleDynos } from './dyno-table.ts';
import { line } from './lines.ts';
import { Sleeper, type Sleepy } from './sleeper.ts';
import { stored } from './stored.ts';
import type { WantedApps } from './wanted-apps.ts';

/** What sleeping has to know of the dyno manager. */
export interface SleepSurroundings {
  readonly wanted: Pick<WantedApps, 'get' | 'all'>;
  readonly table: DynoTable;
  /** The app fell asleep or woke, and that is written down. */
  changed(appId: string): void;
  /** Nothing is to be kept ready for the app. */
  fellAsleep(appId: string): void;
}

/** Puts apps to sleep that nobody uses, and wakes them (reference: heroku-platform 3.6). */
export class AppSleep {
  private readonly options: DynoManagerOptions;
  private readonly around: SleepSurroundings;
  private readonly sleeper: Sleeper;
  /** When apps were woken whose web dyno is not up yet, by the steady clock. */
  private readonly waking = new Map<string, number>();

  constructor(options: DynoManagerOptions, around: SleepSurroundings) {
    this.options = options;
    this.around = around;
    this.sleeper = new Sleeper({
      clock: options.clock,
      sleepy: () => this.sleepy(),
      requests: options.requests.bind(options),
      onIdle: this.fallAsleep.bind(this),
    });
  }

  /** Somebody needs the app: one that sleeps runs again, for one that does not its time begins anew. */
  wake(appId: string): void {
    this.sleeper.touch(appId);
    const app = this.around.wanted.get(appId);
    if (app === undefined || app.asleepSince === null) return;
    if (!this.write('waking an app', appId, null)) return;
    this.waking.set(appId, this.options.clock.steady());
    for (const { name } of idleDynos(app)) {
      this.options.log(appId, name, line.unidling());
      this.options.log(appId, name, line.changed('down', 'starting'));
    }
    this.around.changed(appId);
  }

  /** Apps may have begun or ceased to be such that they sleep. */
  watch(): void {
    this.sleeper.wake();
  }

  /** A dyno is up: for an app that was woken the log says how long that took. */
  cameUp({ appId, type, name }: DynoRecord): void {
    const since = this.waking.get(appId);
    if (since === undefined || type !== 'web') return;
    this.waking.delete(appId);
    this.options.log(appId, name, line.awake(this.options.clock.steady() - since));
  }

  /** The app goes. */
  forget(appId: string): void {
    this.waking.delete(appId);
  }

  close(): void {
    this.sleeper.close();
  }

  /** Apps that run undisturbed and may sleep. */
  private sleepy(): Sleepy[] {
    return this.around.wanted.all().flatMap((app) => {
      const after = app.asleepSince === null ? sleepAfter(app) : null;
      if (after === null) return [];
      const settled = app.serving?.wanted.version === app.target?.wanted.version;
      const dynos = this.around.table.ofApp(app.appId);
      const up = dynos.some(({ type, state }) => type === 'web' && state === 'up');
      return settled && up ? [{ appId: app.appId, after }] : [];
    });
  }

  private fallAsleep(appId: string): void {
    const now = new Date(this.options.clock.now()).toISOString();
    if (!this.write('falling asleep', appId, now)) return;
    this.around.fellAsleep(appId);
    this.around.changed(appId);
  }

  private write(what: string, appId: string, since: string | null): boolean {
    return stored(this.options, what, () => {
      this.options.store.setAsleep(appId, since);
    });
  }
}
