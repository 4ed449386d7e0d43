import { isDeepStrictEqual } from 'node:util';
import { isDiskFull } from '#shared/errors.ts';
import type { Dyno } from '#shared/model/app.ts';
import type { DynoManagerOptions } from './context.ts';
import { type AppDesire, readDesire, sleepAfter } from './desired.ts';
import { type DynoRecord, DynoTable, idleDynos, visibleDynos } from './dyno-table.ts';
import { DynoExecutor } from './executor.ts';
import { line } from './lines.ts';
import { MemoryWatch, quotaOf } from './memory-watch.ts';
import { type DesiredApp, plan, type Step } from './plan.ts';
import { Reconciler } from './reconcile.ts';
import { DynoReservations } from './reservations.ts';
import { routeOf } from './route.ts';
import { Sleeper, type Sleepy } from './sleeper.ts';

/** Time between two attempts to write down a hand-over, in milliseconds. */
const RETRY_STORE = 1_000;

/** How a release's hand-over ended. */
export type HandOver = { readonly serving: true } | { readonly serving: false; readonly reason: string };

/**
 * The one that starts and stops dynos. It compares what shall run (formation × release) with what does,
 * has `plan` say the steps, does them, and plans again whenever anything happened.
 */
export class DynoManager {
  private readonly options: DynoManagerOptions;
  private readonly table = new DynoTable();
  private readonly executor: DynoExecutor;
  private readonly reservations: DynoReservations;
  private readonly memory: MemoryWatch<DynoRecord>;
  private readonly reconciler: Reconciler;
  private readonly sleeper: Sleeper;
  /** When apps were woken whose web dyno is not up yet. */
  private readonly waking = new Map<string, number>();
  private readonly desires = new Map<string, AppDesire>();
  private readonly epochs = new Map<string, Map<string, number>>();
  private readonly dirty = new Set<string>();
  private readonly watchers = new Set<() => void>();
  private readonly subscriptions: Disposable[] = [];
  private turnPending = false;
  private cancelWake: (() => void) | null = null;
  private retry: (() => void) | null = null;
  private state: 'new' | 'running' | 'stopping' | 'closed' = 'new';

  constructor(options: DynoManagerOptions) {
    this.options = options;
    this.reservations = new DynoReservations(options, {
      desire: (appId) => this.desires.get(appId),
      busy: () => this.table.all().some(({ state }) => state === 'starting' || state === 'stopping'),
    });
    this.executor = new DynoExecutor(options, this.table, {
      changed: this.touch.bind(this),
      cameUp: this.cameUp.bind(this),
      crashed: this.crashed.bind(this),
    });
    this.reconciler = new Reconciler({
      ...{ options, table: this.table, executor: this.executor },
      currentRelease: (appId) => this.desires.get(appId)?.target?.wanted.version ?? 0,
      epochOf: (appId, name) => this.epochs.get(appId)?.get(name) ?? 0,
    });
    this.sleeper = new Sleeper({
      clock: options.clock,
      sleepy: () => this.sleepy(),
      requests: options.requests.bind(options),
      onIdle: this.fallAsleep.bind(this),
    });
    this.memory = new MemoryWatch({
      clock: options.clock,
      running: () => this.table.running(),
      quotaOf: (record) => quotaOf(options.runtime, record.size),
      memoryOf: () => options.runtime.memoryOf(),
      onOver: this.executor.overQuota.bind(this.executor),
      onProblem: options.onProblem.bind(options),
    });
  }

  /** Tells the router of all apps, before it listens: requests wait for dynos that `start` finds. */
  announce(): void {
    for (const app of this.options.store.apps()) {
      this.read(app.id);
      this.publish(app.id);
    }
  }

  /** Adopts the dynos that run already, then brings everything to what shall be. */
  async start(): Promise<void> {
    const { runtime } = this.options;
    this.announce();
    this.subscriptions.push(
      runtime.onExit((exit) => {
        this.executor.ended(exit);
      }),
      runtime.onAvailability((state) => {
        if (state === 'back') this.runtimeIsBack();
      }),
    );
    this.state = 'running';
    await this.reconciler.sync();
    for (const appId of this.desires.keys()) this.touch(appId);
  }

  /** The app has a new release, formation or options, or is new. One that sleeps wakes when it has to run something else. */
  appChanged(appId: string): void {
    const before = this.desires.get(appId);
    this.read(appId);
    const app = this.desires.get(appId);
    const same =
      app !== undefined &&
      sleepAfter(app) !== null &&
      isDeepStrictEqual(before?.target?.wanted, app.target?.wanted);
    if (!same) this.wake(appId);
    this.touch(appId);
  }

  /** Options of the engine have changed. */
  optionsChanged(): void {
    for (const appId of this.desires.keys()) this.touch(appId);
  }

  /** Somebody needs the app: one that sleeps runs again (reference: heroku-platform 3.6). */
  wake(appId: string): void {
    this.sleeper.touch(appId);
    const app = this.desires.get(appId);
    if (app === undefined || app.asleepSince === null) return;
    if (!this.stored('waking an app', () => this.options.store.setAsleep(appId, null))) return;
    this.waking.set(appId, this.options.clock.steady());
    for (const { name } of idleDynos(app)) {
      this.options.log(appId, name, line.unidling());
      this.options.log(appId, name, line.changed('down', 'starting'));
    }
    this.read(appId);
    this.touch(appId);
  }

  /** The app is being destroyed: its dynos are no longer anybody's business here. */
  appRemoved(appId: string): void {
    this.desires.delete(appId);
    this.epochs.delete(appId);
    this.waking.delete(appId);
    this.reservations.drop(appId);
    for (const record of this.table.ofApp(appId)) {
      record.ended = true;
      this.table.delete(record.id);
    }
    this.options.routing.removeRoute(appId);
    this.notify();
  }

  /** Dynos of an app as people see them. */
  dynos(appId: string): Dyno[] {
    const app = this.desires.get(appId);
    if (app !== undefined && app.asleepSince !== null) return idleDynos(app);
    return visibleDynos(this.table.ofApp(appId), app?.serving?.wanted.version ?? null, this.options.clock);
  }

  /**
   * Starts new dynos in place of those that `chosen` names; each old one goes when its new one is up.
   * A crashed one starts at once.
   */
  restart(appId: string, chosen: (dyno: { name: string; type: string }) => boolean): void {
    this.wake(appId);
    const names = new Set<string>();
    for (const record of this.table.ofApp(appId).filter(chosen)) names.add(record.name);
    for (const name of names) this.replace(appId, name, line.restarting());
  }

  /** A build of the app begins: its release is likely to need a dyno soon. To be released when the build has ended. */
  reserve(appId: string): { release(): void } {
    this.reservations.buildBegins(appId);
    return {
      release: () => {
        this.reservations.buildEnded(appId);
      },
    };
  }

  /** Waits until the release (or a later one) serves, or until it is clear that it does not come up. */
  async untilServing(appId: string, version: number, signal: AbortSignal): Promise<HandOver> {
    for (;;) {
      const result = this.handOver(appId, version);
      if (result !== null) return result;
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.watchers.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.watchers.add(done);
        signal.addEventListener('abort', done);
      });
    }
  }

  /** Ends every dyno by the platform's rule (SIGTERM, then SIGKILL) and waits for it. */
  async stopAll(): Promise<void> {
    this.state = 'stopping';
    this.reservations.close();
    this.turn();
    while (this.table.all().some((record) => record.state !== 'crashed')) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.watchers.delete(done);
          resolve();
        };
        this.watchers.add(done);
      });
    }
  }

  /** Lets go of everything; dynos that run go on. */
  close(): void {
    this.state = 'closed';
    this.cancelWake?.();
    this.reservations.close();
    this.retry?.();
    this.reconciler.close();
    this.sleeper.close();
    this.memory.close();
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
    this.executor.close();
    this.notify();
  }

  /** Whatever ended with the runtime was no fault of the dynos: those that crashed start at once, as after their first crash. */
  private runtimeIsBack(): void {
    for (const record of this.table.all()) {
      record.crashes = 0;
      record.nextStartAt = 0;
      this.touch(record.appId);
    }
    this.reconciler.syncSoon();
  }

  private handOver(appId: string, version: number): HandOver | null {
    const app = this.desires.get(appId);
    if (app === undefined || this.state !== 'running')
      return { serving: false, reason: 'the app or the engine is going away' };
    const serving = app.serving?.wanted.version;
    if (serving !== undefined && serving >= version) return { serving: true };
    if (app.target !== null && app.target.wanted.version > version) {
      return { serving: false, reason: `v${app.target.wanted.version} took its place` };
    }
    const crashed = this.table
      .ofApp(appId)
      .find((record) => record.release === version && (record.state === 'crashed' || record.crashes > 0));
    return crashed === undefined
      ? null
      : { serving: false, reason: `${crashed.name} crashed: ${crashed.reason ?? 'it crashed before'}` };
  }

  private read(appId: string): void {
    const desire = readDesire(this.options.store, appId);
    if (desire === null) this.desires.delete(appId);
    else this.desires.set(appId, desire);
  }

  private touch(appId: string): void {
    this.dirty.add(appId);
    this.publish(appId);
    if (this.turnPending || this.state === 'new' || this.state === 'closed') return;
    this.turnPending = true;
    setImmediate(() => {
      this.turnPending = false;
      this.turn();
    });
  }

  private turn(): void {
    if (this.state === 'closed') return;
    const now = this.options.clock.steady();
    const desired = this.state === 'stopping' ? [] : this.desired();
    const { steps, wakeAt } = plan(desired, this.table.all(), now, this.options.timers);
    for (const step of steps) this.perform(step);
    this.memory.wake();
    this.sleeper.wake();
    this.cancelWake?.();
    this.cancelWake =
      wakeAt === null
        ? null
        : this.options.clock.after(Math.max(wakeAt - now, 1), () => {
            this.turn();
          });
    for (const appId of this.dirty) this.options.onChange(appId);
    this.dirty.clear();
    this.notify();
  }

  private desired(): DesiredApp[] {
    const cycling = this.options.cycling();
    return [...this.desires.values()].flatMap((app) =>
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

  private perform(step: Step): void {
    if (step.kind === 'promote') {
      this.promote(step.appId, step.release);
      return;
    }
    if (step.kind === 'start') {
      const app = this.desires.get(step.appId);
      const release = [app?.target, app?.serving].find((each) => each?.wanted.version === step.release);
      if (app !== undefined && release)
        this.executor.start(step, app, release, this.reservations.take(step, release));
      return;
    }
    const record = this.table.get(step.dynoId);
    if (record === undefined) return;
    if (step.kind === 'stop') this.executor.stop(record, step.why, step.drain);
    else if (step.kind === 'cycle') this.replace(record.appId, record.name, line.cycling());
    else if (step.kind === 'kill') this.executor.kill(record, step.why);
    else {
      this.table.delete(record.id);
      this.touch(record.appId);
    }
  }

  /** Gives a release the traffic. What cannot be written down (disk full) is tried again: until then the release before it serves. */
  private promote(appId: string, release: number): void {
    const { store } = this.options;
    const write = (): void => {
      store.atomically(() => {
        store.setServing(appId, release);
        store.setReleaseProblem(appId, release, null);
      });
    };
    if (!this.stored(`the hand-over to v${release}`, write)) {
      this.retry ??= this.options.clock.after(RETRY_STORE, () => {
        this.retry = null;
        this.turn();
      });
      return;
    }
    this.read(appId);
    this.touch(appId);
  }

  /** Writes to the store. @returns false when there is no room; that is told, and nobody fails for it */
  private stored(what: string, write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.options.onProblem(`${what} could not be written down`, error);
      return false;
    }
  }

  /** Has a new dyno take the place of one. */
  private replace(appId: string, name: string, why: string): void {
    const epochs = this.epochs.get(appId) ?? new Map<string, number>();
    this.epochs.set(appId, epochs.set(name, (epochs.get(name) ?? 0) + 1));
    this.options.log(appId, name, why);
    this.touch(appId);
  }

  /** Apps that run undisturbed and may sleep. */
  private sleepy(): Sleepy[] {
    return [...this.desires.values()].flatMap((app) => {
      const after = app.asleepSince === null ? sleepAfter(app) : null;
      if (after === null) return [];
      const settled = app.serving?.wanted.version === app.target?.wanted.version;
      const up = this.table.ofApp(app.appId).some(({ type, state }) => type === 'web' && state === 'up');
      return settled && up ? [{ appId: app.appId, after }] : [];
    });
  }

  private fallAsleep(appId: string): void {
    const now = new Date(this.options.clock.now()).toISOString();
    if (!this.stored('falling asleep', () => this.options.store.setAsleep(appId, now))) return;
    this.reservations.drop(appId);
    this.read(appId);
    this.touch(appId);
  }

  private cameUp({ appId, type, name }: DynoRecord): void {
    const since = this.waking.get(appId);
    if (since === undefined || type !== 'web') return;
    this.waking.delete(appId);
    this.options.log(appId, name, line.awake(this.options.clock.steady() - since));
  }

  /** A release whose dynos crash before it ever served is marked, so that everybody sees why the one before it serves on. */
  private crashed({ appId, release, name, reason }: DynoRecord): void {
    const app = this.desires.get(appId);
    if (app?.target?.wanted.version !== release || app.serving?.wanted.version === release) return;
    const problem = `${name} crashed: ${reason ?? 'it ended'}`;
    if (
      !this.stored(`why v${release} crashed`, () =>
        this.options.store.setReleaseProblem(appId, release, problem),
      )
    )
      return;
    this.options.onReleaseChange(appId, release);
  }

  private publish(appId: string): void {
    const app = this.desires.get(appId);
    if (app !== undefined) this.options.routing.setRoute(routeOf(app, this.table.ofApp(appId)));
  }

  private notify(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}
