import { isDiskFull } from '#shared/errors.ts';
import type { BuildRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../util/clock.ts';
import type { FactHub } from '../util/facts.ts';

/** Phases that change are written down within this time, in milliseconds: each write waits for the disk. */
const WRITE_WITHIN = 250;
/** Time between two attempts to write down what there was no room for, in milliseconds. */
const RETRY_WRITE = 1_000;

/** What a build's record needs of the rest of the engine. */
interface RecordTools {
  readonly store: Store;
  readonly facts: FactHub;
  readonly clock: Clock;
}

/** How far a build has come: in memory always, in the store within a moment. All that changes is told. */
export class BuildRecord {
  private readonly tools: RecordTools;
  private current: BuildRow;
  private cancelWrite: (() => void) | null = null;

  constructor(tools: RecordTools, row: BuildRow) {
    this.tools = tools;
    this.current = row;
  }

  get row(): BuildRow {
    return this.current;
  }

  /** Changes what is known; the store has it a moment later, or with the next `save`. */
  note(change: Partial<BuildRow>): void {
    this.current = { ...this.current, ...change };
    this.cancelWrite ??= this.tools.clock.after(WRITE_WITHIN, () => {
      this.saveAnyway({});
    });
    this.tell();
  }

  /**
   * As `save`, for what has happened whether it can be written down or not: while the disk is full it is known in memory and stored
   * as soon as there is room.
   */
  saveAnyway(change: Partial<BuildRow>): void {
    try {
      this.save(change);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.cancelWrite = this.tools.clock.after(RETRY_WRITE, () => {
        this.saveAnyway({});
      });
    }
  }

  /** Changes what is known; it is in the store when this returns. */
  save(change: Partial<BuildRow>): void {
    this.cancelWrite?.();
    this.cancelWrite = null;
    this.current = { ...this.current, ...change };
    const { store } = this.tools;
    if (store.findApp(this.current.appId) === null) return;
    store.updateBuild(this.current.id, this.current);
    this.tell();
  }

  private tell(): void {
    this.tools.facts.publish({ kind: 'build.changed', app: this.current.appId, build: this.current.id });
  }
}
