import { expect, test } from 'vitest';
import type { Backend } from './routing-table.ts';
import { deadBackend, pause, until } from './testbed.ts';
import { bed, open } from './testing-bed.ts';

test('a host without app gets the 404 page and no log line', async () => {
  await open();
  const answer = await bed.ask('/', { host: 'no-<b>.localhost' });
  expect(answer.status).toBe(404);
  expect(answer.headers['slipway-error']).toBe('no-such-app');
  expect(answer.body).toContain('No such app');
  expect(answer.body).not.toContain('<b>');
  expect((await bed.ask('/', { host: 'localhost' })).status).toBe(404);
  expect((await bed.ask('/', { host: 'demo.example.com' })).status).toBe(404);
  expect(bed.lines).toEqual([]);
});

test('a page is told of by HEAD, and not sent', async () => {
  await open();
  bed.route([], 'crashed');
  const head = await bed.ask('/', { method: 'HEAD' });
  expect([head.status, head.body]).toEqual([503, '']);
  expect(Number(head.headers['content-length'])).toBeGreaterThan(100);
});

test('H11: more requests in flight than the dynos take', async () => {
  await open({ backlogPerDyno: 2 });
  const held: (() => void)[] = [];
  bed.route([await bed.dyno((_request, response) => held.push(() => response.end('ok')))]);
  const first = [bed.ask('/1'), bed.ask('/2')];
  await until(() => held.length === 2);
  expect((await bed.ask('/3')).headers['slipway-error']).toBe('H11');
  expect(bed.router.requestCounts('app-1').inFlight).toBe(2);
  for (const run of held) run();
  expect((await Promise.all(first)).map((answer) => answer.status)).toEqual([200, 200]);
  expect(bed.router.requestCounts('app-1')).toMatchObject({
    total: 3,
    bytesIn: 0,
    inFlight: 0,
    byClass: { '1xx': 0, '2xx': 2, '3xx': 0, '4xx': 0, '5xx': 1 },
  });
});

test('H11: the platform’s figure is 200 for each web dyno', async () => {
  await open();
  const held: (() => void)[] = [];
  const hold = (): Promise<Backend> => bed.dyno((_request, response) => held.push(() => response.end('ok')));
  bed.route([await hold(), await hold()]);
  const first = Array.from({ length: 400 }, () => bed.ask('/'));
  await until(() => held.length === 400);
  expect((await bed.ask('/more')).headers['slipway-error']).toBe('H11');
  expect(await bed.line(/H11/)).toMatch(
    /^at=error code=H11 desc="Backlog too deep" .* dyno= connect= service= status=503 bytes= /,
  );
  for (const run of held) run();
  expect(new Set((await Promise.all(first)).map((answer) => answer.status))).toEqual(new Set([200]));
});

test('H12: no answer after the whole request was sent; time for the body does not count', async () => {
  await open({ firstByteMs: 300 });
  bed.route([await bed.dyno((request) => void request.resume())]);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H12');
  expect(await bed.line(/H12/)).toMatch(
    /^at=error code=H12 desc="Request timeout" .* dyno=web\.1 connect=\d+ms service=\d+ms status=503 bytes=0 /,
  );
  bed.lines.length = 0;
  const slow = bed.raw(`POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 2\r\n\r\na`);
  await pause(600);
  expect(slow.received()).toBe('');
  slow.socket.write('b');
  await bed.line(/H12/);
});

test.each([
  ['no HTTP', 'hello\r\n\r\n'],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n'],
  ['header without colon', 'HTTP/1.1 200 OK\r\nbroken\r\n\r\n'],
  [
    'upgrade that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  ],
])('H17: %s', async (_name, text) => {
  await open();
  bed.route([await bed.answeringDyno(text)]);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H17');
  await bed.line(/code=H17 desc="Poorly formatted HTTP response" .* dyno=web\.1 .*status=503/);
});

test('H18: the dyno dies in the middle of its answer', async () => {
  await open();
  bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', 'reset')]);
  await expect(bed.ask('/')).rejects.toThrow();
  expect(await bed.line(/H18/)).toMatch(
    /^sock=backend at=error code=H18 desc="Server Request Interrupted" .* status=503 /,
  );
  bed.route([
    await bed.answeringDyno('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'end'),
  ]);
  await expect(bed.ask('/')).rejects.toThrow();
});

test('H21: refused on all dynos; the next request waits until they leave quarantine', async () => {
  await open({ quarantineMs: 300 });
  const dead = [await deadBackend(), await deadBackend()];
  bed.route(dead);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H21');
  await bed.line(
    /desc="Backend connection refused" .* dyno=web\.9 connect=\d+ms service= status=503 bytes= /,
  );
  const waiting = bed.ask('/');
  bed.route([...dead, await bed.dyno((_request, response) => response.end('alive'))]);
  expect((await waiting).body).toBe('alive');
});

test('a dyno that refuses is left out and the others serve', async () => {
  await open();
  bed.route([await deadBackend(), await bed.dyno((_request, response) => response.end('ok'))]);
  for (let i = 0; i < 20; i++) expect((await bed.ask('/')).status).toBe(200);
});

test('a dyno that refuses is left at once for another one with an idle connection', async () => {
  await open({ quarantineMs: 1, poolIdleMs: 60_000 });
  const asked: string[] = [];
  const good = await bed.dyno(
    (request, response) => {
      asked.push(String(request.socket.remotePort));
      response.end('ok');
    },
    (server) => (server.keepAliveTimeout = 70_000),
  );
  const dead = await deadBackend();
  bed.route([good]);
  await bed.ask('/');
  // The dead one is tried first in about half of the requests.
  for (let i = 0; i < 20; i++) {
    bed.route([dead, good]);
    expect((await bed.ask('/')).status).toBe(200);
  }
  expect(new Set(asked).size).toBe(1);
});

test.each([
  ['oversized cookie', `Set-Cookie: a=${'x'.repeat(9000)}`],
  ['oversized header', `X-Large: ${'x'.repeat(600 * 1024)}`],
  ['oversized header', `X-Huge: ${'x'.repeat(1100 * 1024)}`],
  ['invalid content length', 'Content-Length: 1\r\nContent-Length: 2'],
])('H25: %s', async (cause, header) => {
  await open();
  bed.route([await bed.answeringDyno(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n`)]);
  const answer = await bed.ask('/');
  expect(answer.status).toBe(502);
  expect(await bed.line(/H25/)).toContain(`code=H25 desc="HTTP restriction: ${cause}"`);
});

test('H26: Expect that nobody knows, a broken chunk, a header that is too long', async () => {
  await open();
  let got = '';
  bed.route([
    await bed.dyno((incoming, response) => {
      incoming.on('data', (data: Buffer) => {
        got += data.toString();
      });
      incoming.on('end', () => response.end());
    }),
  ]);
  expect((await bed.ask('/', { headers: { expect: 'tea' } })).status).toBe(417);
  expect(await bed.line(/417/)).toContain(
    'code=H26 desc="Request Error" cause="unsupported expect header value" method=GET',
  );
  expect((await bed.ask('/', { headers: { 'x-long': 'x'.repeat(8192) } })).status).toBe(400);
  expect(await bed.line(/cause="bad header"/)).toContain('status=400');
  const chunk = bed.raw(
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
  );
  await until(() => got === 'abc');
  chunk.socket.write('zz\r\n');
  expect(await chunk.closed).toMatch(/^HTTP\/1.1 400 /);
  await bed.line(/cause="bad chunk" .* dyno=web\.1 .* status=400/);
});

test('H27: the client goes, while held and while served', async () => {
  await open();
  bed.route([], 'starting');
  const held = bed.raw('GET /held HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await until(() => bed.router.requestCounts('app-1').inFlight === 1);
  held.socket.destroy();
  expect(await bed.line(/held/)).toMatch(
    /^sock=client at=warning code=H27 desc="Client Request Interrupted" .* dyno= connect= service= status=499 bytes=0 /,
  );
  let gone = false;
  const dyno = await bed.dyno((_request, response) => {
    response.on('close', () => {
      gone = true;
    });
    response.write('begin');
  });
  bed.route([dyno]);
  const served = bed.raw('GET /served HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await until(() => served.received().includes('begin'));
  served.socket.destroy();
  expect(await bed.line(/served/)).toMatch(
    /code=H27 .* dyno=web\.1 connect=\d+ms service=\d+ms status=499 bytes=5 /,
  );
  await until(() => gone);
});

test('an early page does not wait for the rest of the body, and the connection goes on', async () => {
  await open();
  bed.route([], 'crashed');
  const client = bed.raw('POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 4\r\n\r\nab');
  await until(() => client.received().includes('</html>'));
  client.socket.write('cdGET /second HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await bed.line(/second/);
});

test('what the state of an app says of a request comes before H11', async () => {
  await open({ backlogPerDyno: 1 });
  const held: (() => void)[] = [];
  const dyno = await bed.dyno((_request, response) => held.push(() => response.end('ok')));
  bed.route([dyno]);
  const first = bed.ask('/');
  await until(() => held.length === 1);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H11');
  bed.routeWith({ maintenance: true }, [dyno]);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H80');
  bed.route([], 'crashed');
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H10');
  bed.route([], 'starting');
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H11');
  for (const run of held) run();
  expect((await first).body).toBe('ok');
});

test('H18, not H13, for a dyno that hangs up in the middle of its head: with a page, as nothing was sent', async () => {
  await open();
  bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nContent-Le', 'end')]);
  expect((await bed.ask('/')).headers['slipway-error']).toBe('H18');
  await bed.line(/^sock=backend at=error code=H18 .* dyno=web\.1 .* status=503 bytes=[1-9]\d* /);
});

test.each(['HTTP/1.1 200 OK\r\nContent-Le', 'HTTP/1.1 103 Early Hints\r\n\r\n'])(
  'behind the first byte only silence counts: H15, not H12 (%j)',
  async (text) => {
    await open({ firstByteMs: 100, idleMs: 300 });
    bed.route([await bed.answeringDyno(text)]);
    expect((await bed.ask('/')).headers['slipway-error']).toBe('H15');
    await bed.line(/^at=error code=H15 .* dyno=web\.1 .* status=503 bytes=[1-9]\d* /);
    expect(bed.lines.filter((line) => line.includes('H12'))).toEqual([]);
  },
);
