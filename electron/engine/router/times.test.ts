import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../util/clock.ts';
import { createRouter } from './router.ts';
import { deadBackend, pause, Testbed, until } from './testbed.ts';

/**
 * The platform's times (reference: heroku-platform 4.1, 4.2), each at its full length, by a clock that the test moves. The router looks
 * at it every few milliseconds.
 */
let bed: Testbed;
let time = 0;
const LOOK_MS = 5;

beforeEach(async () => {
  time = 1_000_000;
  const clock = {
    ...systemClock,
    steady: () => time,
    after: (_ms: number, run: () => void) => systemClock.after(LOOK_MS, run),
  };
  bed = new Testbed({}, undefined, (options) => createRouter({ ...options, limits: {}, clock }));
  await bed.listen();
});
afterEach(async () => {
  // A router that is closed waits for requests by its clock.
  const moving = setInterval(() => (time += 1_000), LOOK_MS);
  await bed.close();
  clearInterval(moving);
});

/** Lets time pass, and the router look at it. */
async function pass(seconds: number): Promise<void> {
  time += seconds * 1000;
  await pause(10 * LOOK_MS);
}

const HOST = 'Host: demo.localhost\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const inFlight = (): number => bed.router.requestCounts('app-1').inFlight;

/** A dyno that says what the test says. */
async function talking() {
  const dyno = {
    got: '',
    sockets: [] as Socket[],
    say: (text: string) => void dyno.sockets.at(-1)?.write(text),
  };
  bed.route([
    await bed.rawDyno((socket) => {
      dyno.sockets.push(socket);
      socket.on('data', (data) => (dyno.got += data.toString('latin1')));
    }),
  ]);
  return dyno;
}

test('5 s for a connection to a dyno', async () => {
  bed.route([await bed.silentDyno()]);
  const client = bed.raw(GET);
  await until(() => inFlight() === 1);
  await pass(4.9);
  expect(client.received()).toBe('');
  await pass(0.2);
  expect(await bed.line(/code=H19/)).toMatch(/ connect=5100ms service= status=503 /);
});

test('5 s of quarantine for a dyno that refused', async () => {
  const dead = await deadBackend();
  bed.route([dead]);
  const { host, port } = dead.address;
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H21');
  const server = createServer((_request, response) => response.end('back')).listen(port, host);
  bed.defer(() => void server.close());
  await once(server, 'listening');
  const client = bed.raw(GET);
  await until(() => inFlight() === 1);
  await pass(4.9);
  expect(client.received()).toBe('');
  // It looks again after 50 ms, then after twice as long each time, up to 1.6 s.
  for (let i = 0; i < 20 && client.received() === ''; i++) await pass(0.1);
  await until(() => client.received().endsWith('back'));
});

test('75 s for an app to come up', async () => {
  bed.route([], 'starting');
  const client = bed.raw(GET);
  await until(() => inFlight() === 1);
  await pass(74.9);
  expect(client.received()).toBe('');
  await pass(0.2);
  await bed.line(/code=H20/);
});

test('30 s to the first byte, from the last byte of the request on', async () => {
  const dyno = await talking();
  const client = bed.raw(`POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n`);
  await until(() => dyno.got.endsWith('\r\n\r\n'));
  for (const letter of 'ab') {
    await pass(50);
    client.socket.write(letter);
    await until(() => dyno.got.endsWith(letter));
  }
  await pass(29.9);
  expect(client.received()).toBe('');
  await pass(0.2);
  expect(await bed.line(/code=H12/)).toMatch(/ service=130100ms status=503 bytes=0 /);
});

test('55 s of silence in an answer, counted from the last byte of either side', async () => {
  const dyno = await talking();
  const client = bed.raw(`POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\n`);
  await until(() => dyno.got.endsWith('\r\n\r\n'));
  dyno.say('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na');
  await until(() => client.received().endsWith('\r\n\r\na'));
  await pass(50);
  dyno.say('b');
  await until(() => client.received().endsWith('ab'));
  await pass(50);
  client.socket.write('c');
  await until(() => dyno.got.endsWith('c'));
  await pass(54.9);
  expect(bed.lines).toEqual([]);
  await pass(0.2);
  await bed.line(/code=H15 .* status=503 bytes=2 /);
});

test('55 s of silence in a request: the client’s fault', async () => {
  const dyno = await talking();
  bed.raw(`POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc`);
  await until(() => dyno.got.endsWith('abc'));
  await pass(54.9);
  expect(bed.lines).toEqual([]);
  await pass(0.2);
  await bed.line(/code=H28 .* status=499 bytes=0 /);
});

test('55 s of silence behind an upgrade, counted from the last byte of either side', async () => {
  const dyno = await talking();
  const client = bed.raw(`GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: talk\r\n\r\n`);
  await until(() => dyno.got.endsWith('\r\n\r\n'));
  dyno.say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n');
  await until(() => client.received().endsWith('\r\n\r\n'));
  await pass(50);
  client.socket.write('ping');
  await until(() => dyno.got.endsWith('ping'));
  await pass(50);
  dyno.say('pong');
  await until(() => client.received().endsWith('pong'));
  await pass(54.9);
  expect(bed.lines).toEqual([]);
  await pass(0.2);
  await bed.line(/code=H15 .* status=503 bytes=4 /);
});

test('60 s for a client’s connection between two requests, and before the first one', async () => {
  bed.route([await bed.dyno((_request, response) => response.end('ok'))]);
  const used = bed.raw(GET);
  const fresh = bed.raw('');
  await until(() => used.received().endsWith('ok'));
  await pass(59.9);
  expect([used.socket.destroyed, fresh.socket.destroyed]).toEqual([false, false]);
  await pass(0.2);
  await used.closed;
  expect(await fresh.closed).toBe('');
  expect(used.received().endsWith('ok')).toBe(true);
});

test('4 s for an idle connection to a dyno, which is ours: the platform keeps them for 90 s', async () => {
  const dyno = await talking();
  const ask = async (): Promise<void> => {
    const before = dyno.got;
    const client = bed.raw(GET);
    await until(() => dyno.got.length > before.length && dyno.got.endsWith('\r\n\r\n'));
    dyno.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await until(() => client.received().endsWith('ok'));
    client.socket.destroy();
  };
  await ask();
  await pass(3.9);
  await ask();
  expect(dyno.sockets).toHaveLength(1);
  await pass(4.2);
  await until(() => dyno.sockets[0]?.destroyed === true);
  await ask();
  expect(dyno.sockets).toHaveLength(2);
});
