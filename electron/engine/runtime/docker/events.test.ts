import { expect, test } from 'vitest';
import { parseEvent } from './events.ts';

const Attributes = { 'io.slipway.dyno': 'd1', exitCode: '137' };

test('the end of a dyno is read from old, new and Podman events', () => {
  const old = {
    status: 'die',
    id: 'c1',
    from: 'image',
    Type: 'container',
    Action: 'die',
    Actor: { ID: 'c1', Attributes },
    time: 1,
    timeNano: 1_500_000_000,
  };
  const fresh = {
    Type: 'container',
    Action: 'die',
    Actor: { ID: 'c1', Attributes },
    timeNano: 1_500_000_000,
  };
  const podman = {
    Action: 'died',
    Actor: { ID: 'c1', Attributes: { 'io.slipway.dyno': 'd1', containerExitCode: '137' } },
    time: 1,
  };
  const wanted = { kind: 'die', container: 'c1', dyno: 'd1', code: 137 };
  expect(parseEvent(JSON.stringify(old))).toEqual({ ...wanted, at: 1500 });
  expect(parseEvent(JSON.stringify(fresh))).toEqual({ ...wanted, at: 1500 });
  expect(parseEvent(JSON.stringify(podman))).toEqual({ ...wanted, at: 1000 });
});

test('a missing exit code is null, and out of memory is told apart', () => {
  const base = { Actor: { ID: 'c1', Attributes: { 'io.slipway.dyno': 'd1' } }, time: 1 };
  expect(parseEvent(JSON.stringify({ ...base, Action: 'die' }))?.code).toBeNull();
  expect(parseEvent(JSON.stringify({ ...base, Action: 'oom' }))?.kind).toBe('oom');
});

test('anything else is nothing', () => {
  for (const line of [
    '',
    '{',
    '[]',
    '{"Action":"die"}',
    '{"Action":"start","Actor":{"ID":"c","Attributes":{"io.slipway.dyno":"d"}}}',
  ]) {
    expect(parseEvent(line)).toBeNull();
  }
});
