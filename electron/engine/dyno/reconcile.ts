import { RELEASE_TYPE } from '#shared/model/release.ts';
import { isRunName } from '#shared/model/run.ts';
import type { DynoInstance } from '../runtime/runtime.ts';
import type { DynoManagerOptions } from './context.ts';
import { type DynoRecord, type DynoTable, newRecord } from './dyno-table.ts';
import type { DynoExecutor } from './executor.ts';

/** How often what is known is compared with the runtime, in milliseconds. */
const SYNC_EVERY = 30_000;

/** What comparing needs of the dyno manager. */
export interface ReconcilerParts {
  readonly options: DynoManagerOptions;
  readonly table: DynoTable;
  readonly executor: DynoExecutor;
  /** Version of the app's current release; 0 for an app that is not there. */
  currentRelease(appId: string): number;
  epochOf(appId: string, name: string): number;
}

/** Compares what is known with what the runtime has, at the start, now and then, and whenever the runtime was away. */
export class Reconciler {
  private readonly parts: ReconcilerParts;
  private cancelNext: (() => void) | null = null;
  /** True once it has seen what an engine before this one left. */
  private compared = false;
  private running: Promise<void> | null = null;
  private closed = false;

  constructor(parts: ReconcilerParts) {
    this.parts = parts;
  }

  /** Adopts, ends and removes; then plans its next run. Calls at the same time share one run. */
  sync(): Promise<void> {
    this.running ??= this.compare().finally(() => {
      this.running = null;
      this.cancelNext?.();
      if (this.closed) return;
      this.cancelNext = this.parts.options.clock.after(SYNC_EVERY, () => {
        this.syncSoon();
      });
    });
    return this.running;
  }

  /** The same, for those who do not wait. */
  syncSoon(): void {
    this.sync().catch((error: unknown) => {
      this.parts.options.onProblem('comparing with the runtime', error);
    });
  }

  close(): void {
    this.closed = true;
    this.cancelNext?.();
  }

  private async compare(): Promise<void> {
    const { options, table, executor } = this.parts;
    const known = new Set(table.running());
    const found = new Map((await options.runtime.listDynos()).map((instance) => [instance.id, instance]));
    const now = options.clock.now();
    for (const record of known) {
      const instance = found.get(record.id);
      if (instance === undefined) executor.ended({ id: record.id, code: 137, at: now, outOfMemory: false });
      else if (instance.exit !== null) executor.ended({ id: record.id, ...instance.exit });
    }
    for (const instance of found.values()) {
      if (instance.type === RELEASE_TYPE) {
        if (!this.compared) await this.removeLeft(instance);
        continue;
      }
      // One-off dynos are not the formation's.
      if (isRunName(instance.name)) continue;
      if (table.get(instance.id) === undefined) await this.adopt(instance);
    }
    this.compared = true;
  }

  /** A release command that an engine before this one started; its release has failed with that engine. */
  private async removeLeft({ id, appId }: DynoInstance): Promise<void> {
    await this.parts.options.runtime.removeDyno(id);
    this.parts.options.forgetOutput(appId, id);
  }

  private async adopt(instance: DynoInstance): Promise<void> {
    const { parts } = this;
    const { options, executor } = parts;
    const number = Number(instance.name.slice(instance.name.lastIndexOf('.') + 1));
    if (instance.release > parts.currentRelease(instance.appId) || !Number.isInteger(number)) {
      await options.runtime.removeDyno(instance.id);
      return;
    }
    const { id, appId, name, type, release, size, command } = instance;
    const age = Math.max(0, options.clock.now() - instance.startedAt);
    const what = { id, appId, name, type, number, release, size, command, epoch: parts.epochOf(appId, name) };
    const record: DynoRecord = newRecord(what, options.clock, age);
    executor.adopt({ ...record, instance }, instance);
  }
}
