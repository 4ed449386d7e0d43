import { afterAll, beforeAll, beforeEach, afterEach, expect, test, vi } from 'vitest';
import type * as Modules from './testbed.ts';

const host = process as unknown as { binding?: unknown };
const { binding } = host;
let modules: typeof Modules;
let bed: Modules.Testbed;

/** A Node without the layer below its streams: everything is loaded anew, and looks for it in vain. */
beforeAll(async () => {
  host.binding = undefined;
  vi.resetModules();
  const { RAW_STREAM } = await import('./raw-stream.ts');
  expect(RAW_STREAM).toBeNull();
  modules = await import('./testbed.ts');
});
afterAll(() => {
  host.binding = binding;
});
beforeEach(async () => {
  bed = new modules.Testbed();
  await bed.listen();
});
afterEach(() => bed.close());

test('requests, bodies and large answers pass, and connections are used again', async () => {
  const ports = new Set<number | undefined>();
  bed.route([
    await bed.dyno((request, response) => {
      ports.add(request.socket.remotePort);
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => response.end(request.method === 'POST' ? String(size) : 'x'.repeat(300_000)));
    }),
  ]);
  expect((await bed.ask('/')).body.length).toBe(300_000);
  expect((await bed.ask('/', { method: 'POST', body: Buffer.alloc(2_000_000) })).body).toBe('2000000');
  expect((await bed.ask('/')).body.length).toBe(300_000);
  expect(bed.router.requestCounts('app-1').byClass['2xx']).toBe(3);
  expect(ports.size).toBeLessThan(3);
});

test('a client that does not read stops the dyno', async () => {
  let count = { sent: 0 };
  bed.route([
    await bed.rawDyno((socket) => {
      count = modules.answerWithoutEnd(socket);
    }),
  ]);
  const client = bed.raw('GET / HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await modules.until(() => client.received().length > 0);
  client.socket.pause();
  let last = -1;
  while (last !== count.sent) {
    last = count.sent;
    await modules.pause(300);
  }
  expect(count.sent).toBeLessThan(100_000_000);
});

test('an upgrade carries bytes both ways, and failures have their codes', async () => {
  bed.route([await bed.upgradingDyno()]);
  const client = bed.raw(
    'GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n',
  );
  await modules.until(() => client.received().endsWith('\r\n\r\n'));
  client.socket.write('there and back');
  await modules.until(() => client.received().endsWith('there and back'));
  bed.route([await bed.rawDyno((socket) => socket.once('data', () => socket.end()))]);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H13');
});
