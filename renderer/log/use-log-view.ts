import { useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { logOf } from '../state/logs.ts';
import { type LogSettings, useLogSettings } from '../state/preferences.ts';
import { type LogRow, PassingRows } from './log-rows.ts';
import { parseQuery, type Query } from './query.ts';

/** What the panel shows of an app's log, by its settings. */
export interface LogView {
  readonly settings: LogSettings;
  readonly sources: ReadonlyMap<string, number>;
  readonly loaded: boolean;
  readonly problem: string | null;
  readonly query: Query | null;
  readonly queryProblem: string | null;
  /** Rows in order, filtered. */
  readonly rows: readonly LogRow[];
  /** Rows that the query matches, in order. */
  readonly matches: readonly LogRow[];
  /** Whether a filter hides something. */
  readonly hides: boolean;
  readonly paused: boolean;
  /** Lines that came since the pause began. */
  readonly waiting: number;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly clear: () => void;
  /** Takes the last `clear` back. */
  readonly unclear: () => void;
}

/** True for sources that the chips let through. */
export function showsSource(settings: LogSettings, source: string): boolean {
  return settings.sources.names.includes(source) !== settings.sources.except;
}

/** Derives what is shown; the log itself stays as it is. */
export function useLogView(app: string): LogView {
  const log = useStore(logOf(app).store);
  const settings = useLogSettings(app);
  const [held, setHeld] = useState<readonly LogRow[] | null>(null);
  const [gap, setGap] = useState<LogRow | null>(null);
  const [clearedTo, setClearedTo] = useState(-1);
  const { query: text, matchCase, wholeWord, regex, mode, sources } = settings;
  const parsed = useMemo(
    () => parseQuery(text, { matchCase, wholeWord, regex }),
    [text, matchCase, wholeWord, regex],
  );
  const query = parsed !== null && 'query' in parsed ? parsed.query : null;
  const all = held ?? withGap(log.rows, gap);
  const test = useMemo(
    () => rowTest(sources, mode === 'filter' ? query : null, clearedTo),
    [sources, mode, query, clearedTo],
  );
  const isMatch = useMemo(
    () => (row: LogRow) => row.kind === 'line' && query !== null && query.matches(row.facts),
    [query],
  );
  const rows = usePassing(all, test);
  const matches = usePassing(rows, isMatch);
  const newest = log.rows.at(-1)?.id ?? 0;
  return {
    ...{ settings, query, rows, matches, sources: log.sources, loaded: log.loaded, problem: log.problem },
    queryProblem: parsed !== null && 'problem' in parsed ? parsed.problem : null,
    hides: rows.length < all.length,
    paused: held !== null,
    waiting: held === null ? 0 : newest - (held.at(-1)?.id ?? 0),
    pause() {
      setHeld(log.rows);
    },
    resume() {
      const missed = (log.rows[0]?.id ?? 0) - (held?.at(-1)?.id ?? 0) - 1;
      const first = log.rows[0]?.id ?? 0;
      setGap(
        missed > 0 && held !== null && held.length > 0
          ? { kind: 'gap', id: first - 0.5, count: missed, reason: 'paused' }
          : null,
      );
      setHeld(null);
    },
    clear() {
      setClearedTo(newest);
    },
    unclear() {
      setClearedTo(-1);
    },
  };
}

function withGap(rows: readonly LogRow[], gap: LogRow | null): readonly LogRow[] {
  return gap !== null && (rows[0]?.id ?? 0) < gap.id + 1 ? [gap, ...rows] : rows;
}

function usePassing(rows: readonly LogRow[], test: (row: LogRow) => boolean): readonly LogRow[] {
  const passing = useRef<PassingRows>(null);
  return useMemo(() => {
    passing.current ??= new PassingRows();
    return passing.current.of(rows, test);
  }, [rows, test]);
}

function rowTest(
  sources: LogSettings['sources'],
  query: Query | null,
  clearedTo: number,
): (row: LogRow) => boolean {
  return (row) => {
    if (row.id <= clearedTo) return false;
    if (row.kind !== 'line') return query === null;
    if (sources.names.includes(row.facts.source) === sources.except) return false;
    return query === null || query.matches(row.facts);
  };
}
