import { expect, test } from 'vitest';
import { Counters } from './counters.ts';
import { Testbed } from './testbed.ts';

const MINUTE = 60_000;
const one = { status: 200, serviceMs: 10, bytesIn: 0, bytes: 0 };

function count(counters: Counters, request: Partial<typeof one> | { serviceMs: null }, now: number): void {
  counters.begin();
  counters.end({ ...one, ...request }, now);
}

test('times are told within 2.2 percent over the whole scale', () => {
  for (const ms of [0.2, 1, 7.7, 30, 999, 30_000, 900_000]) {
    const counters = new Counters();
    for (let i = 0; i < 10; i++) count(counters, { serviceMs: ms }, 0);
    const { p50 = 0, p99 = 0 } = counters.read(0).service ?? {};
    expect(Math.abs(p50 / ms - 1)).toBeLessThan(0.0222);
    expect(p99).toBe(p50);
  }
});

test('percentiles are those of the requests that dynos had', () => {
  const counters = new Counters();
  for (let ms = 1; ms <= 1000; ms++) count(counters, { serviceMs: ms }, 0);
  for (let i = 0; i < 5000; i++) count(counters, { serviceMs: null }, 0);
  const { p50 = 0, p95 = 0, p99 = 0 } = counters.read(0).service ?? {};
  for (const [told, real] of [
    [p50, 500],
    [p95, 950],
    [p99, 990],
  ] as const)
    expect(Math.abs(told / real - 1)).toBeLessThan(0.03);
});

test('what is out of the scale counts at its ends', () => {
  const counters = new Counters();
  count(counters, { serviceMs: 0 }, 0);
  expect(counters.read(0).service?.p99).toBeLessThan(0.11);
  count(counters, { serviceMs: 1e12 }, 0);
  expect(counters.read(0).service?.p99).toBeGreaterThan(1_000_000);
});

test('old requests leave the window after five to ten minutes, at once after a long pause', () => {
  const counters = new Counters();
  const start = 1_000 * MINUTE;
  count(counters, { serviceMs: 1000 }, start);
  expect(counters.read(start + 4 * MINUTE).service?.p50).toBeGreaterThan(900);
  for (let i = 0; i < 3; i++) count(counters, { serviceMs: 1 }, start + 6 * MINUTE);
  expect(counters.read(start + 6 * MINUTE).service?.p99).toBeGreaterThan(900);
  expect(counters.read(start + 12 * MINUTE).service?.p99).toBeLessThan(2);
  expect(counters.read(start + 60 * MINUTE).service).toBeNull();
  expect(counters.read(start + 60 * MINUTE).total).toBe(4);
  count(counters, { serviceMs: 50 }, start + 60 * MINUTE);
  expect(Math.round(counters.read(start + 60 * MINUTE).service?.p99 ?? 0)).toBe(50);
});

test('an upgraded connection counts, and its length does not', () => {
  const counters = new Counters();
  count(counters, { status: 101, serviceMs: 1e6, bytesIn: 3, bytes: 4 }, 0);
  expect(counters.read(0)).toMatchObject({ total: 1, service: null, bytesIn: 3, bytesOut: 4 });
  expect(counters.read(0).byClass['1xx']).toBe(1);
});

test('the router counts bodies both ways, and how long dynos take', async () => {
  const bed = await new Testbed().listen();
  try {
    bed.route([
      await bed.dyno((incoming, response) => incoming.on('end', () => response.end('goodbye')).resume()),
    ]);
    await bed.ask('/', { method: 'POST', body: 'hello' });
    await bed.line(/POST/);
    bed.route([], 'off');
    await bed.ask('/');
    await bed.line(/H14/);
    const { service, ...counts } = bed.router.requestCounts('app-1');
    expect(counts).toMatchObject({ total: 2, inFlight: 0, bytesIn: 5 });
    expect(counts.byClass).toMatchObject({ '2xx': 1, '5xx': 1 });
    expect(counts.bytesOut).toBe(7);
    expect(service?.p50).toBe(service?.p99);
    expect(bed.router.requestCounts('nobody')).toMatchObject({ total: 0, service: null });
  } finally {
    await bed.close();
  }
});
