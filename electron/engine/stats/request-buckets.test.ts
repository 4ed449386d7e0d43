import { expect, it } from 'vitest';
import { REQUEST_BUCKETS } from '#shared/model/stats.ts';
import { RequestBuckets } from './request-buckets.ts';

const START = 1_700_000_000_000;
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

it('counts requests, and answers of 500 and more, in buckets of ten seconds', () => {
  const buckets = new RequestBuckets();
  for (const status of [200, 404, 500, 503, null]) buckets.count('a', status, START);
  buckets.count('a', 200, START + 9_999);
  buckets.count('a', 502, START + 30_000);
  buckets.count('b', 200, START + 30_000);
  expect(buckets.read(START + 30_000)).toEqual([
    { app: 'a', requests: [...zeros(56), 6, 0, 0, 1], errors: [...zeros(56), 2, 0, 0, 1] },
    { app: 'b', requests: [...zeros(59), 1], errors: zeros(60) },
  ]);
});

it('moves on with the time while no request comes, and forgets an app after the last bucket', () => {
  const buckets = new RequestBuckets();
  buckets.count('a', 200, START);
  expect(buckets.read(START + 20_000)[0]?.requests).toEqual([...zeros(57), 1, 0, 0]);
  expect(buckets.read(START + 590_000)[0]?.requests).toEqual([1, ...zeros(59)]);
  expect(buckets.read(START + 600_000)).toEqual([]);
  buckets.count('a', 200, START + 601_000);
  expect(buckets.read(START + 601_000)[0]?.requests).toEqual([...zeros(59), 1]);
});

it('has no old counts left after a pause of any length', () => {
  for (let pause = 1; pause < 2 * REQUEST_BUCKETS; pause += 1) {
    const buckets = new RequestBuckets();
    for (let bucket = 0; bucket < REQUEST_BUCKETS; bucket += 1)
      buckets.count('a', 500, START + bucket * 10_000);
    const later = START + (REQUEST_BUCKETS - 1 + pause) * 10_000;
    buckets.count('a', 200, later);
    const kept = Math.max(0, REQUEST_BUCKETS - pause);
    const expected = [...Array.from({ length: kept }, () => 1), ...zeros(REQUEST_BUCKETS - kept)];
    expect(buckets.read(later)[0]?.errors).toEqual(expected);
    expect(buckets.read(later)[0]?.requests.at(-1)).toBe(1);
  }
});

it('counts on when the clock is set back', () => {
  const buckets = new RequestBuckets();
  buckets.count('a', 200, START);
  buckets.count('a', 200, START - 3_600_000);
  expect(buckets.read(START - 3_600_000)[0]?.requests).toEqual([...zeros(59), 2]);
});
