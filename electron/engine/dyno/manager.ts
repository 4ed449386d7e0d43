import { isDeepStrictEqual } from 'node:util';
import type { Dyno } from '#shared/model/app.ts';
import { Changes } from './changes.ts';
import type { DynoManagerOptions } from './context.ts';
import { sleepAfter } from './desired.ts';
import { type DynoRecord, DynoTable, idleDynos, visibleDynos } from './dyno-table.ts';
import { DynoExecutor } from './executor.ts';
import { giveTraffic, type HandOver, handOver, noteCrash } from './hand-over.ts';
import { line } from './lines.ts';
import { MemoryWatch, quotaOf } from './memory-watch.ts';
import { plan, type Step } from './plan.ts';
import { Reconciler } from './reconcile.ts';
import { DynoReservations } from './reservations.ts';
import { routeOf } from './route.ts';
import { AppSleep } from './sleep.ts';
import { WantedApps } from './wanted-apps.ts';

/** Time between two attempts to write down a hand-over, in milliseconds. */
const RETRY_STORE = 1_000;

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
  private readonly sleep: AppSleep;
  private readonly wanted: WantedApps;
  private readonly dirty = new Set<string>();
  private readonly changes = new Changes();
  private readonly subscriptions: Disposable[] = [];
  private turnPending = false;
  private cancelWake: (() => void) | null = null;
  private retry: (() => void) | null = null;
  private state: 'new' | 'running' | 'stopping' | 'closed' = 'new';

  constructor(options: DynoManagerOptions) {
    this.options = options;
    this.wanted = new WantedApps(options.store);
    this.reservations = new DynoReservations(options, {
      desire: (appId) => this.wanted.get(appId),
      busy: () => this.table.all().some(({ state }) => state === 'starting' || state === 'stopping'),
    });
    this.executor = new DynoExecutor(options, this.table, {
      changed: this.touch.bind(this),
      cameUp: (record) => {
        this.sleep.cameUp(record);
      },
      crashed: (record) => {
        noteCrash(this.options, this.wanted.get(record.appId), record);
      },
    });
    this.reconciler = new Reconciler({
      ...{ options, table: this.table, executor: this.executor },
      currentRelease: (appId) => this.wanted.get(appId)?.target?.wanted.version ?? 0,
      epochOf: (appId, name) => this.wanted.epochOf(appId, name),
    });
    this.sleep = new AppSleep(options, {
      ...{ wanted: this.wanted, table: this.table },
      changed: (appId) => {
        this.wanted.read(appId);
        this.touch(appId);
      },
      fellAsleep: this.reservations.drop.bind(this.reservations),
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
      this.wanted.read(app.id);
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
    for (const { appId } of this.wanted.all()) this.touch(appId);
  }

  /** The app has a new release, formation or options, or is new. One that sleeps wakes when it has to run something else. */
  appChanged(appId: string): void {
    const before = this.wanted.get(appId);
    this.wanted.read(appId);
    const app = this.wanted.get(appId);
    const same =
      app !== undefined &&
      sleepAfter(app) !== null &&
      isDeepStrictEqual(before?.target?.wanted, app.target?.wanted);
    if (!same) this.wake(appId);
    this.touch(appId);
  }

  /** Somebody needs the app: one that sleeps runs again. */
  wake(appId: string): void {
    this.sleep.wake(appId);
  }

  /** Options of the engine have changed. */
  optionsChanged(): void {
    for (const { appId } of this.wanted.all()) this.touch(appId);
  }

  /**
   * The app is being destroyed: its dynos are no longer anybody's business here.
   * @returns resolves once nothing is being made for them any more
   */
  appRemoved(appId: string): Promise<void> {
    this.wanted.forget(appId);
    this.sleep.forget(appId);
    this.reservations.drop(appId);
    for (const record of this.table.ofApp(appId)) {
      record.ended = true;
      this.table.delete(record.id);
    }
    this.options.routing.removeRoute(appId);
    this.changes.tell();
    return this.executor.untilMade(appId);
  }

  /** Dynos of an app as people see them. */
  dynos(appId: string): Dyno[] {
    const app = this.wanted.get(appId);
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
      const app = this.state === 'running' ? this.wanted.get(appId) : undefined;
      if (app === undefined) return { serving: false, reason: 'the app or the engine is going away' };
      const result = handOver(app, version, this.table.ofApp(appId));
      if (result !== null) return result;
      signal.throwIfAborted();
      await this.changes.next(signal);
    }
  }

  /** Ends every dyno by the platform's rule (SIGTERM, then SIGKILL) and waits for it. */
  async stopAll(): Promise<void> {
    this.state = 'stopping';
    this.reservations.close();
    this.turn();
    while (this.table.all().some((record) => record.state !== 'crashed')) await this.changes.next();
  }

  /** Lets go of everything; dynos that run go on. */
  close(): void {
    this.state = 'closed';
    this.cancelWake?.();
    this.reservations.close();
    this.retry?.();
    this.reconciler.close();
    this.sleep.close();
    this.memory.close();
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
    this.executor.close();
    this.changes.tell();
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
    const desired = this.state === 'stopping' ? [] : this.wanted.forPlan(this.options.cycling());
    const { steps, wakeAt } = plan(desired, this.table.all(), now, this.options.timers);
    for (const step of steps) this.perform(step);
    this.memory.wake();
    this.sleep.watch();
    this.cancelWake?.();
    this.cancelWake =
      wakeAt === null
        ? null
        : this.options.clock.after(Math.max(wakeAt - now, 1), () => {
            this.turn();
          });
    for (const appId of this.dirty) this.options.onChange(appId);
    this.dirty.clear();
    this.changes.tell();
  }

  private perform(step: Step): void {
    if (step.kind === 'promote') {
      this.promote(step.appId, step.release);
      return;
    }
    if (step.kind === 'start') {
      const app = this.wanted.get(step.appId);
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
    if (!giveTraffic(this.options, appId, release)) {
      this.retry ??= this.options.clock.after(RETRY_STORE, () => {
        this.retry = null;
        this.turn();
      });
      return;
    }
    this.wanted.read(appId);
    this.touch(appId);
  }

  /** Has a new dyno take the place of one. */
  private replace(appId: string, name: string, why: string): void {
    this.wanted.replace(appId, name);
    this.options.log(appId, name, why);
    this.touch(appId);
  }

  private publish(appId: string): void {
    const app = this.wanted.get(appId);
    if (app !== undefined) this.options.routing.setRoute(routeOf(app, this.table.ofApp(appId)));
  }
}
