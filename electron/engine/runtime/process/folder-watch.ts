import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '../../util/clock.ts';

/** How often files are looked at when the system does not tell of changes well, in milliseconds. */
const POLL_BLIND = 250;
/** The same as a mere precaution. */
const POLL_WATCHED = 2_000;

/** Tells that something in a folder may have changed: by the system's word, and by looking from time to time. */
export class FolderWatch implements Disposable {
  private readonly listeners = new Set<() => void>();
  private readonly folder: string;
  private readonly clock: Clock;
  private watcher: FSWatcher | null = null;
  private cancelPoll: (() => void) | null = null;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.clock = clock;
  }

  /** Calls `listener` from now on; nothing is watched while nobody listens. */
  listen(listener: () => void): Disposable {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.start();
    return {
      [Symbol.dispose]: () => {
        if (this.listeners.delete(listener) && this.listeners.size === 0) this.stop();
      },
    };
  }

  [Symbol.dispose](): void {
    this.listeners.clear();
    this.stop();
  }

  private start(): void {
    try {
      this.watcher = watch(this.folder, { persistent: false }, () => {
        this.tell();
      });
      this.watcher.on('error', () => {
        this.watcher?.close();
        this.watcher = null;
      });
    } catch {
      this.watcher = null;
    }
    this.schedule();
  }

  private stop(): void {
    this.watcher?.close();
    this.watcher = null;
    this.cancelPoll?.();
    this.cancelPoll = null;
  }

  private schedule(): void {
    const told = this.watcher !== null && process.platform === 'linux';
    this.cancelPoll = this.clock.after(told ? POLL_WATCHED : POLL_BLIND, () => {
      this.schedule();
      this.tell();
    });
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
