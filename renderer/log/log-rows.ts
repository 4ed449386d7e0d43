import type { LogRecord } from '#shared/model/log.ts';
import { type LineFacts, lineFacts } from './line-facts.ts';

/** One row of the log panel. Ids only grow, also over rows that fell out. */
export type LogRow =
  | { readonly kind: 'line'; readonly id: number; readonly facts: LineFacts }
  | { readonly kind: 'gap'; readonly id: number; readonly count: number; readonly reason: GapReason }
  | { readonly kind: 'deploy'; readonly id: number; readonly version: number }
  | { readonly kind: 'day'; readonly id: number; readonly at: number };

/** `slow` and `dropped` as the engine says; `paused`: lines that left the panel's memory while it was paused. */
export type GapReason = 'slow' | 'dropped' | 'paused';

/** Most rows, and characters, of one app that the panel keeps (reference: ui-anchors 2.2). */
export const MAX_ROWS = 10_000;
const MAX_CHARACTERS = 16_000_000;

/** What the panel remembers of one app's log. Each change makes new lists, so that a view can hold on to old ones. */
export class LogRows {
  rows: readonly LogRow[] = [];
  /** Lines of each source since the panel was opened. */
  sources: ReadonlyMap<string, number> = new Map();
  private nextId = 1;
  private characters = 0;
  private day = '';

  /** Adds what a stream handed out; rows that are too old or too many fall out. */
  add(records: readonly LogRecord[]): void {
    const added: LogRow[] = [];
    const sources = new Map(this.sources);
    for (const record of records) {
      if (record.kind === 'gap') {
        added.push({ kind: 'gap', id: this.newId(), count: record.count, reason: record.reason });
        continue;
      }
      this.addDay(added, record.at);
      const facts = lineFacts(record);
      added.push({ kind: 'line', id: this.newId(), facts });
      this.characters += record.text.length;
      sources.set(facts.source, (sources.get(facts.source) ?? 0) + 1);
      const version = /^Release v(\d+) created by /.exec(facts.plain)?.[1];
      if (record.ps === 'api' && version !== undefined) {
        added.push({ kind: 'deploy', id: this.newId(), version: Number(version) });
      }
    }
    this.sources = sources;
    this.rows = this.trim([...this.rows, ...added]);
  }

  private newId(): number {
    this.nextId += 1;
    return this.nextId;
  }

  private addDay(added: LogRow[], at: number): void {
    const day = new Date(at / 1000).toDateString();
    if (this.day !== '' && day !== this.day) added.push({ kind: 'day', id: this.newId(), at });
    this.day = day;
  }

  private trim(rows: readonly LogRow[]): readonly LogRow[] {
    let start = Math.max(0, rows.length - MAX_ROWS);
    for (const row of rows.slice(0, start)) this.characters -= sizeOf(row);
    while (this.characters > MAX_CHARACTERS && start < rows.length - 1) {
      const row = rows[start];
      if (row !== undefined) this.characters -= sizeOf(row);
      start += 1;
    }
    return start === 0 ? rows : rows.slice(start);
  }
}

function sizeOf(row: LogRow): number {
  return row.kind === 'line' ? row.facts.line.text.length : 0;
}

/** Rows that pass a test, kept up to date row by row: what was tested before is not tested again. */
export class PassingRows {
  private seen: readonly LogRow[] = [];
  private passing: readonly LogRow[] = [];
  private test: ((row: LogRow) => boolean) | null = null;

  /** @param test has to be the same function for as long as its answers are */
  of(rows: readonly LogRow[], test: (row: LogRow) => boolean): readonly LogRow[] {
    if (rows === this.seen && test === this.test) return this.passing;
    const lastId = this.seen.at(-1)?.id ?? -1;
    const firstId = rows[0]?.id ?? 0;
    if (test !== this.test || lastId < firstId) this.passing = rows.filter(test);
    else {
      const dropped = indexOfId(this.passing, firstId);
      const added = rows.slice(indexOfId(rows, lastId + 1)).filter(test);
      if (dropped > 0 || added.length > 0) this.passing = [...this.passing.slice(dropped), ...added];
    }
    this.seen = rows;
    this.test = test;
    return this.passing;
  }
}

/** Index of the first row whose id is not smaller; the length when there is none. */
export function indexOfId(rows: readonly LogRow[], id: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.id ?? Number.POSITIVE_INFINITY) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
