import { describe, expect, it } from 'vitest';
import { brief, entry, lineEntries, startLogplex, take, temporaryFolder } from './testing.ts';

const APP = 'app-1';
const all = {};

describe('open', () => {
  it('gives the past and then what comes, without loss or repeat', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    logplex.append(APP, lineEntries(3));
    clock.advance(10);
    logplex.append(APP, lineEntries(2, 4));
    const reader = logplex
      .open(APP, { filter: all, lines: 4 }, new AbortController().signal)
      [Symbol.asyncIterator]();
    clock.advance(10);
    logplex.append(APP, lineEntries(1, 6));
    const records = take(reader, 5);
    clock.advance(10);
    expect(brief(await records)).toEqual(['2:line 2', '3:line 3', '4:line 4', '5:line 5', '6:line 6']);
  });

  it('filters the past and what comes', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    const both = [entry('w'), entry('r', { source: 'heroku', ps: 'router' })];
    logplex.append(APP, both);
    clock.advance(10);
    const reader = logplex
      .open(APP, { filter: { ps: 'router' }, lines: 9 }, new AbortController().signal)
      [Symbol.asyncIterator]();
    const records = take(reader, 2);
    logplex.append(APP, both);
    clock.advance(10);
    expect(brief(await records)).toEqual(['2:r', '4:r']);
  });

  it('resumes behind a number, from memory and from disk, and tells what is not kept', async () => {
    const folder = temporaryFolder();
    const { logplex, clock } = await startLogplex(folder, {
      segmentBytes: 1_000,
      segments: 2,
      quietLines: 5,
    });
    for (let count = 1; count <= 100; count += 1) {
      logplex.append(APP, lineEntries(1, count));
      clock.advance(10);
    }
    const read = async (after: number): Promise<string[]> => {
      const abort = new AbortController();
      const reader = logplex
        .open(APP, { filter: all, lines: 1, after }, abort.signal)
        [Symbol.asyncIterator]();
      const wanted = brief(await take(reader, 1));
      while (wanted.at(-1) !== '100:line 100') wanted.push(...brief(await take(reader, 1)));
      abort.abort();
      return wanted;
    };
    expect(await read(97)).toEqual(['98:line 98', '99:line 99', '100:line 100']);
    expect((await read(90))[0]).toBe('91:line 91');
    const [gap, first] = await read(3);
    const oldest = Number(first?.split(':')[0]);
    expect(oldest).toBeGreaterThan(10);
    expect(gap).toBe(`gap dropped ${oldest - 4}`);
  });

  it('puts a gap in the place of what a slow reader missed, counts by the filter, and goes on', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder(), { ringLines: 10, quietLines: 10 });
    const signal = new AbortController().signal;
    const slow = logplex.open(APP, { filter: all, lines: 0 }, signal)[Symbol.asyncIterator]();
    const picky = logplex.open(APP, { filter: { ps: 'worker' }, lines: 0 }, signal)[Symbol.asyncIterator]();
    for (let count = 1; count <= 30; count += 1) {
      logplex.append(APP, [entry(`line ${count}`, { ps: count % 10 === 0 ? 'worker.1' : 'web.1' })]);
      clock.advance(10);
    }
    expect(brief(await take(slow, 3))).toEqual(['gap slow 20', '21:line 21', '22:line 22']);
    expect(brief(await take(picky, 2))).toEqual(['gap slow 2', '30:line 30']);
    logplex.append(APP, lineEntries(15, 31));
    clock.advance(10);
    expect(brief(await take(slow, 2))).toEqual(['gap slow 13', '36:line 36']);
  });

  it('bounds what a slow reader holds by bytes as well', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder(), { ringBytes: 10_000 });
    const slow = logplex
      .open(APP, { filter: all, lines: 0 }, new AbortController().signal)
      [Symbol.asyncIterator]();
    for (let count = 1; count <= 10; count += 1) logplex.append(APP, [entry('x'.repeat(4_000))]);
    clock.advance(10);
    expect((await take(slow, 1))[0]).toEqual({ kind: 'gap', reason: 'slow', count: 8 });
  });

  it('ends with its signal, with a break, with the removal of the app and with the close', async () => {
    const { logplex, clock } = await startLogplex(temporaryFolder());
    const abort = new AbortController();
    const waiting = take(
      logplex.open(APP, { filter: all, lines: 0 }, abort.signal)[Symbol.asyncIterator](),
      1,
    );
    abort.abort();
    expect(await waiting).toEqual([]);
    expect(
      await take(
        logplex.open(APP, { filter: all, lines: 5 }, AbortSignal.abort())[Symbol.asyncIterator](),
        1,
      ),
    ).toEqual([]);
    logplex.append(APP, lineEntries(1));
    clock.advance(10);
    const never = new AbortController().signal;
    for await (const record of logplex.open(APP, { filter: all, lines: 1 }, never)) {
      expect(record.kind).toBe('line');
      break;
    }
    const removed = take(logplex.open(APP, { filter: all, lines: 0 }, never)[Symbol.asyncIterator](), 1);
    await logplex.removeApp(APP);
    expect(await removed).toEqual([]);
    const closed = take(logplex.open('app-2', { filter: all, lines: 0 }, never)[Symbol.asyncIterator](), 2);
    logplex.append('app-2', lineEntries(1));
    await logplex.close();
    expect(brief(await closed)).toEqual(['1:line 1']);
  });
});
