import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DynoExit, type DynoInstance, RuntimeError, type SlugRef } from '../runtime/runtime.ts';
import { Semaphore } from '../util/mutex.ts';
import { afterCrash } from './backoff.ts';
import type { DynoManagerOptions } from './context.ts';
import type { AppDesire, RunnableRelease } from './desired.ts';
import { type DynoRecord, type DynoTable, newRecord } from './dyno-table.ts';
import { launch, untilUp } from './lifecycle.ts';
import { crashReason, line, scaledDown, startFailure } from './lines.ts';
import { type MemoryFinding, tellQuota } from './memory-watch.ts';
import { DynoOutput } from './output.ts';
import type { Step, StopReason } from './plan.ts';
import type { Place } from './reservations.ts';
import { mayEnter } from './states.ts';

/** How often a booting dyno is looked at before its slug is staged, in milliseconds. */
const STAGE_WAIT = 50;

/** Time between two attempts to start a dyno while the runtime does not answer, in milliseconds. */
const AWAY_WAIT = 30_000;

/** What the dyno manager hears of single dynos. */
export interface ExecutorEvents {
  /** Something of the app's dynos is not what it was. */
  changed(appId: string): void;
  cameUp(record: DynoRecord): void;
  crashed(record: DynoRecord): void;
}

/** Does the steps of a plan on single dynos and deals with their ends. */
export class DynoExecutor {
  private readonly options: DynoManagerOptions;
  private readonly table: DynoTable;
  private readonly events: ExecutorEvents;
  private readonly starts: Semaphore;
  private readonly outputs = new Map<string, DynoOutput>();
  private readonly abort = new AbortController();
  /** Starts and stagings that are under way, by app. */
  private readonly making = new Map<string, Set<Promise<unknown>>>();

  constructor(options: DynoManagerOptions, table: DynoTable, events: ExecutorEvents) {
    this.options = options;
    this.table = table;
    this.events = events;
    this.starts = new Semaphore(options.parallelStarts);
  }

  /** Stops caring: dynos stay as they are. */
  close(): void {
    this.abort.abort();
    for (const output of this.outputs.values()) output[Symbol.dispose]();
    this.outputs.clear();
  }

  /** Waits until nothing is made for an app's dynos any more; for one that was removed. */
  async untilMade(appId: string): Promise<void> {
    const tasks = this.making.get(appId);
    if (tasks !== undefined) await Promise.allSettled(tasks);
  }

  /** @param place the place that is reserved for this dyno, or null */
  start(
    step: Extract<Step, { kind: 'start' }>,
    app: AppDesire,
    release: RunnableRelease,
    place: Place | null,
  ): void {
    const replaced = step.replaces === null ? undefined : this.table.get(step.replaces);
    const name = `${step.type}.${step.number}`;
    // One of an older release or restart counter makes room as well, though its crashes do not count any more.
    const crashed = this.table
      .ofApp(step.appId)
      .find((each) => each.name === name && each.state === 'crashed');
    if (crashed !== undefined) this.log(crashed, line.changed('crashed', 'starting'));
    if (replaced !== undefined) this.table.delete(replaced.id);
    const what = {
      ...{ id: place?.dynoId ?? randomUUID(), appId: step.appId, name, type: step.type, number: step.number },
      ...{ release: step.release, epoch: step.epoch, size: step.size },
      command: release.slug.processTypes[step.type] ?? '',
    };
    const record: DynoRecord = {
      ...newRecord(what, this.options.clock),
      crashes: replaced?.crashes ?? 0,
      reason: replaced?.reason ?? null,
    };
    this.table.add(record);
    // So that the next plan knows when its time to boot is over.
    this.events.changed(record.appId);
    const launched = this.starts.run(() => this.launch(record, app, release, place));
    this.inBackground('start', this.noteMaking(record.appId, launched));
  }

  /** Takes a dyno that exists already, running or ended. */
  adopt(record: DynoRecord, instance: DynoInstance): void {
    this.table.add(record);
    this.attach(record, instance);
    if (instance.exit !== null) this.ended({ id: record.id, ...instance.exit });
    else this.inBackground('boot', this.boot(record, instance));
  }

  /** @param drain whether requests in flight are waited for first */
  stop(record: DynoRecord, why: StopReason, drain: boolean): void {
    const before = record.state;
    record.drain = drain;
    this.enter(record, 'stopping');
    if (why === 'asleep') this.log(record, line.idling());
    if (why !== 'replaced') this.log(record, line.changed(before, 'down'));
    this.inBackground('stop', this.terminate(record));
  }

  kill(record: DynoRecord, why: 'boot-timeout' | 'exit-timeout'): void {
    record.killed = true;
    const { timers } = this.options;
    if (why === 'boot-timeout') {
      record.fault = why;
      this.log(record, line.bootTimeout(timers.boot / 1000));
      this.log(record, line.killingOne());
    } else {
      this.log(record, line.exitTimeout(timers.exit / 1000));
      this.log(record, line.killing());
    }
    this.inBackground('kill', this.options.runtime.signalDyno(record.id, 'SIGKILL'));
  }

  /** A dyno uses more memory than its quota: a warning, or its end (reference: heroku-platform 3.9). */
  overQuota(record: DynoRecord, finding: MemoryFinding): void {
    const log = (text: string): void => {
      this.log(record, text);
    };
    if (record.killed || !tellQuota(finding, log)) return;
    record.killed = true;
    record.fault = 'memory-quota';
    this.inBackground('kill', this.options.runtime.signalDyno(record.id, 'SIGKILL'));
  }

  /** A dyno ended, however it ended. Counts once for each dyno. */
  ended(exit: DynoExit): void {
    const record = this.table.get(exit.id);
    if (record === undefined || record.ended) return;
    record.ended = true;
    this.events.changed(record.appId);
    this.inBackground('end', this.finish(record, exit));
  }

  private async launch(
    record: DynoRecord,
    app: AppDesire,
    release: RunnableRelease,
    place: Place | null,
  ): Promise<void> {
    try {
      const reserved = (await place?.made) ?? false;
      if (this.isGone(record)) {
        this.table.delete(record.id);
        this.events.changed(record.appId);
        return;
      }
      const order = {
        record,
        appName: app.appName,
        release: release.release,
        slug: this.options.slugRef(release.slug),
        reserved,
        told: app.options.dynoMetadata ? release.slug : null,
      };
      const instance = await launch(this.options.runtime, order, this.abort.signal);
      if (this.table.get(record.id) === undefined) {
        await this.options.runtime.removeDyno(record.id);
        return;
      }
      this.log(record, line.starting(record.command, instance.port));
      const less = scaledDown(record.size, this.options.runtime.info().machine.memoryMiB);
      if (less !== null) this.log(record, less);
      this.attach(record, instance);
      if (record.state === 'stopping') this.inBackground('stop', this.terminate(record));
      else this.inBackground('boot', this.boot(record, instance));
      if (reserved)
        this.inBackground('stage', this.noteMaking(record.appId, this.stageLater(order.slug, record)));
    } catch (error) {
      if (this.abort.signal.aborted) return;
      if (!(error instanceof RuntimeError)) this.options.onProblem(`starting ${record.name}`, error);
      const reason = error instanceof Error ? error.message : String(error);
      this.log(record, startFailure(error));
      await this.options.runtime.removeDyno(record.id).catch(() => undefined);
      record.ended = true;
      if (record.state === 'stopping') {
        this.table.delete(record.id);
        this.events.changed(record.appId);
      } else this.crash(record, `it could not be started: ${reason}`, isAway(error));
    }
  }

  private attach(record: DynoRecord, instance: DynoInstance): void {
    record.instance = instance;
    this.outputs.set(record.id, new DynoOutput(this.options, record));
  }

  /** A slug whose first dyno began in a reserved place is staged once that one is up: for all further ones. */
  private async stageLater(slug: SlugRef, record: DynoRecord): Promise<void> {
    const isThere = (): boolean => this.table.get(record.id) !== undefined;
    while (isThere() && record.state === 'starting' && !this.abort.signal.aborted) await sleep(STAGE_WAIT);
    if (isThere()) await this.options.runtime.stage(slug, this.abort.signal);
  }

  private async boot(record: DynoRecord, instance: DynoInstance): Promise<void> {
    const gone = (): boolean => this.isGone(record) || this.abort.signal.aborted;
    if (!(await untilUp(this.options.runtime, instance, gone))) return;
    record.reason = null;
    this.enter(record, 'up');
    this.log(record, line.changed('starting', 'up'));
    this.events.cameUp(record);
  }

  private async terminate(record: DynoRecord): Promise<void> {
    if (record.instance === null) return;
    // Without waiting for requests, it is still waited until the route without this dyno is in force.
    if (record.type === 'web')
      await this.options.routing.drained(record.id, record.drain ? this.options.timers.exit : 0);
    if (record.ended) return;
    record.termSentAt = this.options.clock.steady();
    this.log(record, line.stopping());
    await this.options.runtime.signalDyno(record.id, 'SIGTERM');
    this.events.changed(record.appId);
  }

  private async finish(record: DynoRecord, exit: DynoExit): Promise<void> {
    const output = this.outputs.get(record.id);
    await output?.untilRead();
    if (this.abort.signal.aborted) return;
    output?.[Symbol.dispose]();
    this.outputs.delete(record.id);
    if (exit.outOfMemory) this.log(record, line.outOfMemory());
    this.log(record, line.exited(exit.code));
    if (record.state === 'stopping') {
      this.table.delete(record.id);
      this.events.changed(record.appId);
    } else {
      this.crash(record, crashReason(exit, record.fault));
    }
    await this.options.runtime.removeDyno(record.id);
    this.options.forgetOutput(record.appId, record.id);
  }

  /** @param away the runtime did not answer: that is no crash of the dyno, and it starts when the runtime is back */
  private crash(record: DynoRecord, reason: string, away = false): void {
    const { clock } = this.options;
    const before = record.state;
    const upFor = before === 'up' ? clock.steady() - record.since : null;
    const { crashes, wait } = away
      ? { crashes: record.crashes, wait: AWAY_WAIT }
      : afterCrash(this.options.restarts(), record.crashes, upFor, clock.random());
    record.crashes = crashes;
    record.nextStartAt = clock.steady() + wait;
    record.reason = reason;
    this.enter(record, 'crashed');
    this.log(record, line.changed(before, 'crashed'));
    this.events.crashed(record);
  }

  private enter(record: DynoRecord, state: DynoRecord['state']): void {
    if (!mayEnter(record.state, state)) {
      const what = `${record.name} from ${record.state} to ${state}`;
      this.options.onProblem('changing the state of a dyno', new Error(`there is no way for ${what}`));
    }
    record.state = state;
    record.since = this.options.clock.steady();
    this.events.changed(record.appId);
  }

  private isGone(record: DynoRecord): boolean {
    return record.ended || record.state !== 'starting' || this.table.get(record.id) === undefined;
  }

  private log(record: DynoRecord, text: string): void {
    this.options.log(record.appId, record.name, text);
  }

  private async noteMaking(appId: string, task: Promise<void>): Promise<void> {
    const tasks = this.making.get(appId) ?? new Set();
    this.making.set(appId, tasks.add(task));
    try {
      await task;
    } finally {
      tasks.delete(task);
      if (tasks.size === 0) this.making.delete(appId);
    }
  }

  private inBackground(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      if (!this.abort.signal.aborted) this.options.onProblem(what, error);
    });
  }
}

function isAway(error: unknown): boolean {
  return error instanceof RuntimeError && error.code === 'unavailable';
}
