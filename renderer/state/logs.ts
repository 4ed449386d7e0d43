import { createStore, type StoreApi } from 'zustand';
import type { LogRecord } from '#shared/model/log.ts';
import { SlipwayError } from '#shared/errors.ts';
import { type LogRow, LogRows, MAX_ROWS } from '../log/log-rows.ts';
import { openStream } from './connection.ts';
import { untilVisible } from './sync.ts';

/** One app's log as the panel sees it. */
export interface LogState {
  readonly rows: readonly LogRow[];
  readonly sources: ReadonlyMap<string, number>;
  /** False until the first lines, or the news that there are none, have come. */
  readonly loaded: boolean;
  /** Why there is no log, in plain words; null while all is well. */
  readonly problem: string | null;
}

/** Shortest time between two changes of what is shown, in milliseconds. */
const PAINT_EVERY = 30;
const FIRST_LINES = 2_000;
const RETRY = 500;

const logs = new Map<string, AppLog>();

/** The log of an app. It is read while somebody watches it, and goes on where it was left. */
export function logOf(app: string): AppLog {
  const found = logs.get(app) ?? new AppLog(app);
  logs.set(app, found);
  return found;
}

class AppLog {
  readonly store: StoreApi<LogState> = createStore<LogState>(() => ({
    rows: [],
    sources: new Map(),
    loaded: false,
    problem: null,
  }));
  private readonly app: string;
  private readonly log = new LogRows();
  private waiting: LogRecord[] = [];
  private painting = false;
  private after: number | undefined;
  private watchers = 0;
  private stop: AbortController | null = null;

  constructor(app: string) {
    this.app = app;
  }

  /** Follows the log until the answer is called. */
  watch(): () => void {
    this.watchers += 1;
    if (this.watchers === 1) {
      this.stop = new AbortController();
      void this.follow(this.stop.signal);
    }
    return () => {
      this.watchers -= 1;
      if (this.watchers === 0) this.stop?.abort();
    };
  }

  /** Over lost connections and hidden windows: each time from behind the last line that was seen. */
  private async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await untilVisible();
      if (signal.aborted) return;
      const pause = new AbortController();
      const halt = (): void => {
        if (document.hidden || signal.aborted) pause.abort();
      };
      document.addEventListener('visibilitychange', halt);
      signal.addEventListener('abort', halt);
      try {
        await this.read(pause.signal);
      } catch (error) {
        this.fail(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      } finally {
        document.removeEventListener('visibilitychange', halt);
        signal.removeEventListener('abort', halt);
      }
    }
  }

  private async read(signal: AbortSignal): Promise<void> {
    const resume = this.after === undefined ? {} : { after: this.after };
    const stream = openStream('logs.open', { app: this.app, lines: FIRST_LINES, ...resume }, signal);
    const soon = window.setTimeout(() => {
      this.store.setState({ loaded: true, problem: null });
    }, 300);
    try {
      for await (const records of stream) {
        const last = records.findLast((record) => record.kind === 'line');
        if (last?.kind === 'line') this.after = last.seq;
        for (const record of records) this.waiting.push(record);
        if (this.waiting.length > 2 * MAX_ROWS) this.dropOldest();
        this.paintSoon();
      }
    } finally {
      window.clearTimeout(soon);
    }
  }

  private fail(error: unknown): void {
    if (error instanceof SlipwayError && error.code === 'disconnected') return;
    this.store.setState({ loaded: true, problem: error instanceof Error ? error.message : String(error) });
  }

  /** A window that is not painted must not fill its memory; what goes is told. */
  private dropOldest(): void {
    const dropped = this.waiting.length - MAX_ROWS;
    const rest = this.waiting.slice(dropped);
    this.waiting = [{ kind: 'gap', count: dropped, reason: 'slow' }, ...rest];
  }

  private paintSoon(): void {
    if (this.painting) return;
    this.painting = true;
    setTimeout(() => {
      requestAnimationFrame(() => {
        this.painting = false;
        this.log.add(this.waiting);
        this.waiting = [];
        this.store.setState({ rows: this.log.rows, sources: this.log.sources, loaded: true, problem: null });
      });
    }, PAINT_EVERY);
  }
}
