import { beforeEach, expect, test } from 'vitest';
import { LineMerger } from './line-merger.ts';

let timers: (() => void)[];
let got: string[];
let merger: LineMerger;

beforeEach(() => {
  timers = [];
  got = [];
  const after = (_ms: number, run: () => void): (() => void) => {
    timers.push(run);
    return () => {
      timers = timers.filter((each) => each !== run);
    };
  };
  merger = new LineMerger({ after }, (appId, lines) => {
    got.push(`${appId}: ${lines.map(({ at }) => at).join()}`);
  });
});

const add = (appId: string, ...times: number[]): void => {
  merger.add(
    appId,
    times.map((at) => ({ at, text: '', status: 200 })),
  );
};
/** Lets the time pass for which lines are held. */
const wait = (): void => {
  for (const run of timers.splice(0)) run();
};

test('lines of two threads come in the order of their ends, for each app', () => {
  add('a', 10, 30);
  add('b', 5);
  wait();
  // The other thread tells its own a little later.
  add('a', 20, 40);
  add('a', 25);
  wait();
  wait();
  expect(got).toEqual(['a: 10,20,25,30', 'b: 5', 'a: 40']);
  expect(timers).toEqual([]);
});

test('a line that comes too late comes nevertheless', () => {
  add('a', 10, 20);
  wait();
  wait();
  add('a', 15);
  wait();
  wait();
  expect(got).toEqual(['a: 10,20', 'a: 15']);
});

test('at the end nothing is held', () => {
  add('a', 20);
  add('a', 10);
  merger.flush();
  expect(got).toEqual(['a: 10,20']);
  expect(timers).toEqual([]);
});
