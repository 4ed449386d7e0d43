import type { Dyno } from '#shared/model/app.ts';
import { RELEASE_TYPE } from '#shared/model/release.ts';
import { findSize } from '#shared/model/size.ts';
import type { DynoInstance } from '../runtime/runtime.ts';
import type { DynoManagerOptions } from './context.ts';
import { type AppDesire, readDesire } from './desired.ts';
import { type DynoRecord, DynoTable, visibleDynos } from './dyno-table.ts';
import { DynoExecutor } from './executor.ts';
import { line } from './lines.ts';
import { MemoryWatch } from './memory-watch.ts';
import { type DesiredApp, plan, type Step } from './plan.ts';
import { DynoReservations } from './reservations.ts';
import { routeOf } from './route.ts';

/** How often what is known is compared with the runtime, in milliseconds. */
const SYNC_EVERY = 30_000;

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
  private readonly desires = new Map<string, AppDesire>();
  private readonly epochs = new Map<string, Map<string, number>>();
  private readonly dirty = new Set<string>();
  private readonly watchers = new Set<() => void>();
  private readonly subscriptions: Disposable[] = [];
  private turnPending = false;
  private cancelWake: (() => void) | null = null;
  private cancelSync: (() => void) | null = null;
  /** True once the dyno manager has seen what an engine before this one left. */
  private compared = false;
  private syncing: Promise<void> | null = null;
  private state: 'new' | 'running' | 'stopping' | 'closed' = 'new';

  constructor(options: DynoManagerOptions) {
    this.options = options;
    this.reservations = new DynoReservations(options);
    this.executor = new DynoExecutor(options, this.table, (appId) => {
      this.touch(appId);
    });
    this.memory = new MemoryWatch({
      clock: options.clock,
      running: () => this.table.running(),
      quotaOf: (record) => findSize(record.size)?.memoryMiB,
      memoryOf: () => options.runtime.memoryOf(),
      onOver: this.executor.overQuota.bind(this.executor),
      onProblem: options.onProblem.bind(options),
    });
  }

  /** Adopts the dynos that run already, then brings everything to what shall be. */
  async start(): Promise<void> {
    const { runtime, store } = this.options;
    for (const app of store.apps()) this.read(app.id);
    this.subscriptions.push(
      runtime.onExit((exit) => {
        this.executor.ended(exit);
      }),
      runtime.onAvailability((state) => {
        if (state === 'back') this.syncSoon();
      }),
    );
    this.state = 'running';
    await this.sync();
    for (const appId of this.desires.keys()) this.touch(appId);
  }

  /** The app has a new release or formation, or is new. */
  appChanged(appId: string): void {
    this.read(appId);
    this.touch(appId);
  }

  /** The app is being destroyed: its dynos are no longer anybody's business here. */
  appRemoved(appId: string): void {
    this.desires.delete(appId);
    this.epochs.delete(appId);
    for (const record of this.table.ofApp(appId)) {
      record.ended = true;
      this.table.delete(record.id);
    }
    this.options.routing.removeRoute(appId);
    this.notify();
  }

  /** Dynos of an app as people see them. */
  dynos(appId: string): Dyno[] {
    return visibleDynos(this.table.ofApp(appId), this.desires.get(appId)?.serving?.wanted.version ?? null);
  }

  /**
   * Starts new dynos in place of those that `chosen` names; each old one goes when its new one is up.
   * A crashed one starts at once.
   */
  restart(appId: string, chosen: (dyno: { name: string; type: string }) => boolean): void {
    const epochs = this.epochs.get(appId) ?? new Map<string, number>();
    this.epochs.set(appId, epochs);
    const names = new Set<string>();
    for (const record of this.table.ofApp(appId).filter(chosen)) names.add(record.name);
    for (const name of names) {
      epochs.set(name, (epochs.get(name) ?? 0) + 1);
      this.options.log(appId, name, line.restarting());
    }
    this.touch(appId);
  }

  /**
   * Gets a place ready for the first web dyno of the app's next release while that is compiled; `release` gives up what was not
   * needed. Nothing happens for an app that does not serve.
   */
  reserve(appId: string): { release(): void } {
    const app = this.desires.get(appId);
    const settled = app?.target !== null && app?.target?.wanted.version === app?.serving?.wanted.version;
    if (app !== undefined && settled) this.reservations.make(app);
    return {
      release: () => {
        this.reservations.drop(appId);
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
    this.cancelSync?.();
    this.memory.close();
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
    this.executor.close();
    this.notify();
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
    const now = this.options.clock.now();
    const desired = this.state === 'stopping' ? [] : this.desired();
    const { steps, wakeAt } = plan(desired, this.table.all(), now, this.options.timers);
    for (const step of steps) this.perform(step);
    this.memory.wake();
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
    return [...this.desires.values()].flatMap((app) =>
      app.target === null
        ? []
        : [
            {
              appId: app.appId,
              target: app.target.wanted,
              serving: app.serving?.wanted ?? null,
              epochs: this.epochs.get(app.appId) ?? new Map<string, number>(),
            },
          ],
    );
  }

  private perform(step: Step): void {
    if (step.kind === 'promote') {
      this.options.store.setServing(step.appId, step.release);
      this.read(step.appId);
      this.touch(step.appId);
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
    if (step.kind === 'stop') this.executor.stop(record, step.why);
    else if (step.kind === 'kill') this.executor.kill(record, step.why);
    else {
      this.table.delete(record.id);
      this.touch(record.appId);
    }
  }

  private publish(appId: string): void {
    const app = this.desires.get(appId);
    if (app !== undefined) this.options.routing.setRoute(routeOf(app, this.table.ofApp(appId)));
  }

  private notify(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  private syncSoon(): void {
    this.sync().catch((error: unknown) => {
      this.options.onProblem('comparing with the runtime', error);
    });
  }

  /** Compares the table with what the runtime has: adopts, ends and removes; then plans its next run. */
  private sync(): Promise<void> {
    this.syncing ??= this.compare().finally(() => {
      this.syncing = null;
      this.cancelSync?.();
      if (this.state === 'closed') return;
      this.cancelSync = this.options.clock.after(SYNC_EVERY, () => {
        this.syncSoon();
      });
    });
    return this.syncing;
  }

  private async compare(): Promise<void> {
    const known = new Set(this.table.running());
    const found = new Map(
      (await this.options.runtime.listDynos()).map((instance) => [instance.id, instance]),
    );
    const now = this.options.clock.now();
    for (const record of known) {
      const instance = found.get(record.id);
      if (instance === undefined)
        this.executor.ended({ id: record.id, code: 137, at: now, outOfMemory: false });
      else if (instance.exit !== null) this.executor.ended({ id: record.id, ...instance.exit });
    }
    for (const instance of found.values()) {
      if (instance.type === RELEASE_TYPE) {
        if (!this.compared) await this.removeLeft(instance);
        continue;
      }
      if (this.table.get(instance.id) === undefined) await this.adopt(instance);
    }
    this.compared = true;
  }

  /** A release command that an engine before this one started; its release has failed with that engine. */
  private async removeLeft({ id, appId }: DynoInstance): Promise<void> {
    await this.options.runtime.removeDyno(id);
    this.options.forgetOutput(appId, id);
  }

  private async adopt(instance: DynoInstance): Promise<void> {
    const number = Number(instance.name.slice(instance.name.lastIndexOf('.') + 1));
    const current = this.desires.get(instance.appId)?.target?.wanted.version ?? 0;
    if (instance.release > current || !Number.isInteger(number)) {
      await this.options.runtime.removeDyno(instance.id);
      return;
    }
    const record: DynoRecord = {
      id: instance.id,
      appId: instance.appId,
      name: instance.name,
      type: instance.type,
      number,
      release: instance.release,
      epoch: this.epochs.get(instance.appId)?.get(instance.name) ?? 0,
      size: instance.size,
      command: instance.command,
      startedAt: instance.startedAt,
      since: instance.startedAt,
      state: 'starting',
      instance,
      crashes: 0,
      nextStartAt: 0,
      reason: null,
      termSentAt: null,
      killed: false,
      fault: null,
      ended: false,
    };
    this.executor.adopt(record, instance);
  }
}
