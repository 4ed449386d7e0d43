import { describe, expect, it } from 'vitest';
import { findSize } from '#shared/model/size.ts';
import { StatsSample } from '#shared/model/stats.ts';
import type { Clock } from '../util/clock.ts';
import { RequestBuckets } from './request-buckets.ts';
import { Stats } from './stats.ts';

const START = 1_700_000_000_000;

/** A clock that stands still until `pass`. */
class StillClock implements Clock {
  time = START;
  readonly timers = new Map<() => void, number>();

  now(): number {
    return this.time;
  }

  steady(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    this.timers.set(run, this.time + ms);
    return () => this.timers.delete(run);
  }

  random(): number {
    return 0;
  }

  pass(ms: number): void {
    this.time += ms;
    for (const [run, due] of [...this.timers]) {
      if (due > this.time) continue;
      this.timers.delete(run);
      run();
    }
  }
}

const IDLE = {
  ...{ total: 0, inFlight: 0, bytesIn: 0, bytesOut: 0, service: null },
  byClass: { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 },
};

function world() {
  const clock = new StillClock();
  const requests = new RequestBuckets();
  const state = { reads: 0, problems: 0, lost: false };
  const stats = new Stats({
    clock,
    requests,
    apps: () => ['a', 'b'],
    dynos: (app) =>
      app === 'a'
        ? [
            { id: 'd1', size: 'Standard-2X' },
            { id: 'd2', size: 'Eco' },
          ]
        : [],
    traffic: (app) => ({ ...IDLE, total: app === 'a' ? 7 : 0 }),
    memoryOf: async () => {
      state.reads += 1;
      if (state.lost) throw new Error('Docker does not answer');
      return new Map([
        ['d1', 100.26 * 2 ** 20],
        ['of-nobody', 1],
      ]);
    },
    quotaOf: (size) => findSize(size)?.memoryMiB,
    onProblem: () => (state.problems += 1),
  });
  return { clock, requests, state, stats };
}

function listen(stats: Stats) {
  const abort = new AbortController();
  const items = stats.open(abort.signal)[Symbol.asyncIterator]();
  const next = async (): Promise<StatsSample> => (await items.next()).value as StatsSample;
  return { next, end: async () => (abort.abort(), (await items.next()).done) };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('Stats', () => {
  it('tells requests, memory of running dynos, and the machine', async () => {
    const { requests, stats } = world();
    requests.count('a', 200, START);
    requests.count('destroyed', 200, START);
    const listener = listen(stats);
    const sample = await listener.next();
    expect(StatsSample.parse(sample)).toEqual(sample);
    expect(sample.apps.map((each) => [each.app, each.requests.at(-1)])).toEqual([['a', 1]]);
    expect(sample.traffic).toEqual([
      { ...IDLE, app: 'a', total: 7 },
      { ...IDLE, app: 'b' },
    ]);
    expect(sample.dynos).toEqual([{ dyno: 'd1', app: 'a', memoryMiB: 100.3, quotaMiB: 1024 }]);
    expect(sample.machine.totalMiB).toBeGreaterThan(0);
    await listener.end();
  });

  it('samples every two seconds, once for all listeners, and not at all without one', async () => {
    const { clock, state, stats } = world();
    await turns();
    expect([state.reads, clock.timers.size]).toEqual([0, 0]);
    const listeners = [listen(stats), listen(stats)];
    const first = await Promise.all(listeners.map((each) => each.next()));
    expect(first[0]).toBe(first[1]);
    const second = Promise.all(listeners.map((each) => each.next()));
    await turns();
    clock.pass(1_999);
    await turns();
    expect(state.reads).toBe(1);
    clock.pass(1);
    expect((await second).map((each) => each.at)).toEqual(
      Array(2).fill(new Date(START + 2_000).toISOString()),
    );
    expect(state.reads).toBe(2);
    for (const each of listeners) expect(await each.end()).toBe(true);
    await turns();
    expect(clock.timers.size).toBe(0);
    clock.pass(60_000);
    await turns();
    expect(state.reads).toBe(2);
    const later = listen(stats);
    expect((await later.next()).at).toBe(new Date(START + 62_000).toISOString());
    await later.end();
  });

  it('goes on without memory while the runtime is lost, and says so once', async () => {
    const { clock, state, stats } = world();
    state.lost = true;
    const listener = listen(stats);
    expect((await listener.next()).dynos).toEqual([]);
    const second = listener.next();
    await turns();
    clock.pass(2_000);
    expect((await second).dynos).toEqual([]);
    expect(state.problems).toBe(1);
    state.lost = false;
    const third = listener.next();
    await turns();
    clock.pass(2_000);
    expect((await third).dynos).toHaveLength(1);
    await listener.end();
  });
});
