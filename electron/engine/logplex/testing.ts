import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { LogEntry, LogRecord } from '#shared/model/log.ts';
import type { Clock } from '../util/clock.ts';
import { type Logplex, type LogplexLimits, openLogplex } from './logplex.ts';

/** Paths of a folder's files, by name. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

/** Time that moves when the test says so. */
export class FakeClock implements Clock {
  private time = 1_800_000_000_000;
  private readonly timers = new Set<{ due: number; run: () => void }>();

  now(): number {
    return this.time;
  }

  steady(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { due: this.time + ms, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  random(): number {
    return 0.5;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Lets time pass; calls timers in their order, those that are begun on the way too. */
  advance(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const [next] = [...this.timers].filter((timer) => timer.due <= until).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.due);
      next.run();
    }
    this.time = until;
  }
}

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-logplex-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** An entry with a time that does not matter. */
export function entry(text: string, fields: Partial<LogEntry> = {}): LogEntry {
  return { at: 1_800_000_000_000_000, source: 'app', ps: 'web.1', stream: 'stdout', text, ...fields };
}

/** Records in short: `1:text` for a line, `gap slow 3` for a gap. */
export function brief(records: readonly LogRecord[]): string[] {
  return records.map((record) =>
    record.kind === 'line' ? `${record.seq}:${record.text}` : `gap ${record.reason} ${record.count}`,
  );
}

/** The next `count` records of a stream. */
export async function take(stream: AsyncIterator<LogRecord>, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count) {
    const result = await stream.next();
    if (result.done === true) break;
    records.push(result.value);
  }
  return records;
}

/** A logplex on a folder, closed with the test. */
export async function startLogplex(
  folder: string,
  limits: Partial<LogplexLimits> = {},
): Promise<{ logplex: Logplex; clock: FakeClock; problems: string[] }> {
  const clock = new FakeClock();
  const problems: string[] = [];
  const logplex = await openLogplex({ folder, clock, limits, onProblem: (what) => problems.push(what) });
  onTestFinished(() => logplex.close());
  return { logplex, clock, problems };
}

/** Entries `line 1`, `line 2`… */
export function lineEntries(count: number, from = 1): LogEntry[] {
  return Array.from({ length: count }, (_, index) => entry(`line ${from + index}`));
}
