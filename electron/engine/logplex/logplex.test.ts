import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogFilter, type LogRecord, matchesFilter } from '#shared/model/log.ts';
import { DynoLogs } from './dyno-logs.ts';
import { LOGPLEX_LIMITS } from './logplex.ts';
import { brief, entry, filesOf, lineEntries, startLogplex, take, temporaryFolder } from './testing.ts';

const APP = 'app-1';
const all = {};

describe('append and recent', () => {
  it('numbers lines in the order of arrival and shows them at the next question', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    logplex.append(APP, lineEntries(2));
    logplex.append(APP, [entry('three', { source: 'heroku', ps: 'router', stream: 'stderr', at: 5 })]);
    expect(brief(logplex.recent(APP, all, 10))).toEqual(['1:line 1', '2:line 2', '3:three']);
    expect(logplex.recent(APP, all, 1)).toEqual([
      { kind: 'line', seq: 3, at: 5, source: 'heroku', ps: 'router', stream: 'stderr', text: 'three' },
    ]);
    expect(clock.waiting).toBe(0);
  });

  it('gives back every field of every line after a restart', async () => {
    const word = fc.string({ unit: 'binary' });
    const line = fc.record({
      at: fc.integer({ min: 0, max: 2e15 }),
      source: fc.constantFrom<'app' | 'heroku'>('app', 'heroku'),
      ps: fc.constantFrom('web.1', 'router', 'worker.12'),
      stream: fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr'),
      text: word.map((text) => text.replaceAll('\n', '').toWellFormed()),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(line, { maxLength: 5 }), { maxLength: 5 }),
        fc.nat(30),
        async (batches, count) => {
          const folder = temporaryFolder();
          const before = await startLogplex(folder, { segmentBytes: 200, segments: 1_000 });
          for (const batch of batches) {
            before.logplex.append(APP, batch);
            before.clock.advance(10);
          }
          const lines = before.logplex.recent(APP, all, count);
          expect(lines.map((record) => (record.kind === 'line' ? record.text : ''))).toEqual(
            batches
              .flat()
              .map(({ text }) => text)
              .slice(batches.flat().length - Math.min(count, batches.flat().length)),
          );
          await before.logplex.close();
          expect((await startLogplex(folder)).logplex.recent(APP, all, count)).toEqual(lines);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('makes several lines of a text with line ends or of more than 10 000 bytes', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    logplex.append(APP, [entry(`one\ntwo ${'é'.repeat(6_000)}`, { ps: 'a\tb' })]);
    clock.advance(10);
    const records = logplex.recent(APP, all, 10);
    expect(
      records.map((record) => (record.kind === 'line' ? [record.ps, Buffer.byteLength(record.text)] : [])),
    ).toEqual([
      ['a b', 3],
      ['a b', 10_000],
      ['a b', 2_004],
    ]);
  });

  it('filters by source, dyno and process type, in memory and on disk', async () => {
    const folder = temporaryFolder();
    const { logplex, clock } = await startLogplex(folder, { quietLines: 2 });
    const kinds = [
      entry('a'),
      entry('b', { ps: 'web.2' }),
      entry('c', { ps: 'webby.1' }),
      entry('d', { source: 'heroku', ps: 'router' }),
    ];
    logplex.append(APP, [...kinds, ...kinds]);
    clock.advance(10);
    expect(brief(logplex.recent(APP, { ps: 'web' }, 10))).toEqual(['1:a', '2:b', '5:a', '6:b']);
    expect(brief(logplex.recent(APP, { ps: 'web.1' }, 1))).toEqual(['5:a']);
    expect(brief(logplex.recent(APP, { source: 'heroku' }, 10))).toEqual(['4:d', '8:d']);
    expect(brief(logplex.recent(APP, { source: 'app', ps: 'router' }, 10))).toEqual([]);
  });

  it('answers every question as one that looks at all lines would', async () => {
    const kinds = [entry('a'), entry('b', { ps: 'web.2' }), entry('c', { source: 'heroku', ps: 'router' })];
    const filters: LogFilter[] = [{}, { ps: 'web' }, { ps: 'web.2' }, { source: 'heroku' }, { ps: 'none' }];
    const batches = fc.array(fc.array(fc.constantFrom(...kinds), { maxLength: 6 }), { maxLength: 12 });
    const question = fc.record({
      filter: fc.constantFrom(...filters),
      lines: fc.nat(20),
      after: fc.option(fc.nat(30)),
    });
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.nat(8),
        fc.array(question, { maxLength: 5 }),
        async (parts, quietLines, questions) => {
          const { logplex, clock } = await startLogplex(temporaryFolder(), {
            quietLines,
            segmentBytes: 150,
            segments: 100,
          });
          for (const part of parts) {
            logplex.append(APP, part);
            clock.advance(10);
          }
          const lines = parts
            .flat()
            .map((line, index): LogRecord => ({ kind: 'line', seq: index + 1, ...line }));
          for (const { filter, lines: count, after } of questions) {
            const passing = lines.filter((line) => line.kind === 'line' && matchesFilter(line, filter));
            expect(logplex.recent(APP, filter, count)).toEqual(count === 0 ? [] : passing.slice(-count));
            if (after === null) continue;
            const behind = passing.filter((line) => line.kind === 'line' && line.seq > after);
            const reader = logplex
              .open(APP, { filter, lines: 0, after }, new AbortController().signal)
              [Symbol.asyncIterator]();
            expect(await take(reader, behind.length)).toEqual(behind);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps a bounded number of files and goes on counting', async () => {
    const folder = temporaryFolder();
    const { logplex, clock } = await startLogplex(folder, {
      segmentBytes: 1_000,
      segments: 3,
      quietLines: 5,
    });
    for (let count = 1; count <= 200; count += 1) {
      logplex.append(APP, lineEntries(1, count), {
        dynoId: count === 1 ? 'quiet' : 'busy',
        position: String(count),
      });
      clock.advance(10);
    }
    await logplex.sync();
    expect(filesOf(join(folder, APP))).toHaveLength(3);
    const kept = logplex.recent(APP, all, 1_000);
    expect(kept.length).toBeGreaterThan(20);
    expect(brief(kept).at(-1)).toBe('200:line 200');
    await logplex.close();
    const again = await startLogplex(folder);
    expect([...again.logplex.cursors(APP)]).toEqual([
      ['quiet', '1'],
      ['busy', '200'],
    ]);
    again.logplex.append(APP, [entry('next')]);
    again.clock.advance(10);
    expect(brief(again.logplex.recent(APP, all, 2))).toEqual(['200:line 200', '201:next']);
  });

  it('takes only ids that are safe as names of folders', async () => {
    const { logplex } = await startLogplex(temporaryFolder());
    expect(() => logplex.recent('../up', all, 1)).toThrow(/is not the id of an app/);
  });
});

describe('cursors', () => {
  it('keeps the last cursor of each dyno over restarts, and forgets', async () => {
    const folder = temporaryFolder();
    const first = await startLogplex(folder);
    first.logplex.append(APP, lineEntries(1), { dynoId: 'a', position: 'p\n1' });
    first.logplex.append(APP, [], { dynoId: 'b', position: 'q' });
    first.logplex.append(APP, lineEntries(1, 2), { dynoId: 'a', position: 'p\n2' });
    expect(Object.fromEntries(first.logplex.cursors(APP))).toEqual({ a: 'p\n2', b: 'q' });
    first.logplex.forgetDyno(APP, 'b');
    await first.logplex.close();
    const second = await startLogplex(folder);
    expect(Object.fromEntries(second.logplex.cursors(APP))).toEqual({ a: 'p\n2' });
  });
});

describe('DynoLogs', () => {
  it('gives a dyno one way at a time, resumes, and forgets with the last words stored', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    const outputs = new DynoLogs(logplex, clock);
    const first = outputs.openOutput(APP, 'dyno', 'web.1');
    expect(first.after).toBeUndefined();
    first.sink.onBytes('stdout', Buffer.from('one\n'), 1, 'p1');
    first.sink.onBytes('stdout', Buffer.from('two'), 2, 'p2');
    const second = outputs.openOutput(APP, 'dyno', 'web.1');
    expect(second.after).toBe('p1');
    first.sink.onEnd();
    second.sink.onBytes('stdout', Buffer.from('two\nlast words'), 2, 'p3');
    outputs.forgetOutput(APP, 'dyno');
    clock.advance(10_000);
    expect(brief(logplex.recent(APP, all, 9))).toEqual(['1:one', '2:two', '3:last words']);
    expect(logplex.cursors(APP).size).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it('forgets dynos that are no more', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    for (const dynoId of ['a', 'b']) logplex.append(APP, [], { dynoId, position: '1' });
    new DynoLogs(logplex, clock).sweep(APP, new Set(['b']));
    expect([...logplex.cursors(APP).keys()]).toEqual(['b']);
  });
});

describe('removal', () => {
  it('deletes the files of an app, takes nothing for it any more, and leaves the others', async () => {
    const folder = temporaryFolder();
    const { logplex, clock } = await startLogplex(folder);
    logplex.append(APP, lineEntries(1));
    logplex.append('app-2', lineEntries(1));
    await logplex.sync();
    await logplex.removeApp(APP);
    logplex.append(APP, lineEntries(1));
    clock.advance(10);
    expect(logplex.recent(APP, all, 5)).toEqual([]);
    expect(existsSync(join(folder, APP))).toBe(false);
    expect(brief(logplex.recent('app-2', all, 5))).toEqual(['1:line 1']);
    await logplex.removeApp('never-seen');
  });

  it('sweeps what a killed engine left', async () => {
    const folder = temporaryFolder();
    const { logplex } = await startLogplex(folder);
    logplex.append(APP, lineEntries(1));
    logplex.append('app-2', lineEntries(1));
    await logplex.close();
    const again = await startLogplex(folder);
    await again.logplex.sweep(['app-2']);
    expect(readdirSync(folder)).toEqual(['app-2']);
  });
});

describe('limits', () => {
  it('stays below 32 MB for each app unless told otherwise', () => {
    expect(LOGPLEX_LIMITS.segmentBytes * LOGPLEX_LIMITS.segments).toBe(32 * 1024 * 1024);
  });

  it('writes at once when much comes', async () => {
    const { logplex } = await startLogplex(temporaryFolder(), { batchLines: 5 });
    const reader = logplex
      .open(APP, { filter: all, lines: 0 }, new AbortController().signal)
      [Symbol.asyncIterator]();
    logplex.append(APP, lineEntries(4));
    logplex.append(APP, lineEntries(1, 5));
    expect(await take(reader, 5)).toHaveLength(5);
  });
});
