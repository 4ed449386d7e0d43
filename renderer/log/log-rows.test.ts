import { describe, expect, it } from 'vitest';
import type { LogLine } from '#shared/model/log.ts';
import { indexOfId, type LogRow, LogRows, MAX_ROWS, PassingRows } from './log-rows.ts';

const DAY = 86_400_000_000;

function line(seq: number, text = `line ${seq}`, more: Partial<LogLine> = {}): LogLine {
  return { kind: 'line', seq, at: DAY / 2, source: 'app', ps: 'web.1', stream: 'stdout', text, ...more };
}

describe('the rows of a log', () => {
  it('keeps the newest rows and counts every line of a source', () => {
    const log = new LogRows();
    log.add(Array.from({ length: MAX_ROWS }, (_, index) => line(index + 1)));
    const held = log.rows;
    log.add([line(MAX_ROWS + 1), line(MAX_ROWS + 2, 'x', { ps: 'worker.1' })]);
    expect(log.rows).toHaveLength(MAX_ROWS);
    expect(log.rows[0]).toMatchObject({ facts: { line: { seq: 3 } } });
    expect(held[0]).toMatchObject({ facts: { line: { seq: 1 } } });
    expect(log.sources).toEqual(
      new Map([
        ['web.1', MAX_ROWS + 1],
        ['worker.1', 1],
      ]),
    );
  });

  it('bounds the characters too', () => {
    const log = new LogRows();
    for (let part = 0; part < 30; part += 1)
      log.add(Array.from({ length: 100 }, (_, index) => line(index + 1, 'x'.repeat(10_000))));
    expect(log.rows.length).toBe(1_600);
  });

  it('marks releases, days and gaps', () => {
    const log = new LogRows();
    log.add([
      line(1, 'Release v12 created by user ann', { ps: 'api' }),
      { kind: 'gap', count: 7, reason: 'slow' },
      line(2, 'next day', { at: DAY * 2 + DAY / 2 }),
    ]);
    expect(log.rows.map((row) => row.kind)).toEqual(['line', 'deploy', 'gap', 'day', 'line']);
  });
});

describe('rows that pass a test', () => {
  it('are the same as a filter of all, without testing any row twice', () => {
    const log = new LogRows();
    const passing = new PassingRows();
    let tested = 0;
    const test = (row: LogRow): boolean => {
      tested += 1;
      return row.id % 3 === 0;
    };
    for (let part = 0; part < 6; part += 1) {
      log.add(Array.from({ length: 4_000 }, (_, index) => line(part * 4_000 + index + 1)));
      const wanted = log.rows.filter((row) => row.id % 3 === 0).map((row) => row.id);
      expect(passing.of(log.rows, test).map((row) => row.id)).toEqual(wanted);
    }
    expect(tested).toBe(24_000);
    expect(passing.of(log.rows, () => false)).toEqual([]);
  });

  it('finds a row by its id', () => {
    const log = new LogRows();
    log.add([line(1), line(2), line(3)]);
    const [first, , last] = log.rows;
    expect(indexOfId(log.rows, first?.id ?? 0)).toBe(0);
    expect(indexOfId(log.rows, last?.id ?? 0)).toBe(2);
    expect(indexOfId(log.rows, 1e9)).toBe(3);
  });
});
