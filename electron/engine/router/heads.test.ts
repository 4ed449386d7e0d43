import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { until } from './testbed.ts';
import { bed, expectingDyno, open } from './testing-bed.ts';

/** Raw headers as a map from the name as spelt to all its values. */
function spelt(raw: readonly string[]): Record<string, string[]> {
  const map: Record<string, string[]> = {};
  for (let i = 0; i < raw.length; i += 2) (map[raw[i] ?? ''] ??= []).push(raw[i + 1] ?? '');
  return map;
}

test('the head to the dyno: own headers replaced or added, hop-by-hop taken out, the rest as it came', async () => {
  await open();
  let seen: IncomingMessage | undefined;
  bed.route([
    await bed.dyno((incoming, response) => {
      seen = incoming;
      response.end();
    }),
  ]);
  const before = Date.now();
  await bed.ask('/p?q=%22', {
    headers: [
      ...[
        'X-Odd-CASE',
        '1',
        'X-Odd-CASE',
        '2',
        'Cookie',
        'a=1',
        'Cookie',
        'b=2',
        'X-Forwarded-For',
        '9.9.9.9',
      ],
      ...[
        'X-Forwarded-Proto',
        'https',
        'X-Forwarded-Port',
        '443',
        'X-Forwarded-Host',
        'else',
        'X-Request-Start',
        '1',
      ],
      ...['X-Request-Id', 'short', 'Connection', 'keep-alive', 'TE', 'trailers', 'Keep-Alive', 'timeout=5'],
      ...['Proxy-Authorization', 'secret', 'Via', '1.0 before', 'Connect-Time', '9', 'Accept', '*/*'],
    ],
  });
  const headers = spelt(seen?.rawHeaders ?? []);
  expect(seen?.url).toBe('/p?q=%22');
  expect(headers).toEqual({
    Host: [`demo.localhost:${bed.port}`],
    'X-Odd-CASE': ['1', '2'],
    Cookie: ['a=1', 'b=2'],
    'X-Forwarded-Host': ['else'],
    Accept: ['*/*'],
    Connection: ['keep-alive'],
    'X-Request-Id': [expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)],
    'X-Forwarded-For': ['9.9.9.9, 127.0.0.1'],
    'X-Forwarded-Proto': ['http'],
    'X-Forwarded-Port': [String(bed.port)],
    Via: ['1.0 before, 1.1 heroku-router'],
    'Connect-Time': [expect.stringMatching(/^\d+$/)],
    'X-Request-Start': [expect.stringMatching(/^\d{13}$/)],
    'Total-Route-Time': [expect.stringMatching(/^\d+$/)],
  });
  expect(Number(headers['X-Request-Start']?.[0])).toBeGreaterThanOrEqual(before);
  const line = await bed.line(/at=info/);
  expect(line).toMatch(
    /^at=info method=GET path="\/p\?q=%22" host=demo\.localhost:\d+ request_id=[0-9a-f-]{36} fwd="9\.9\.9\.9, 127\.0\.0\.1" dyno=web\.1 connect=\d+ms service=\d+ms status=200 bytes=0 protocol=http1\.1 tls=false$/,
  );
  expect(line).toContain(`request_id=${headers['X-Request-Id']?.[0]} `);
});

test.each([
  ['a'.repeat(20), true],
  ['Aa0+/=-Aa0+/=-Aa0+/=-', true],
  ['a'.repeat(200), true],
  ['a'.repeat(19), false],
  ['a'.repeat(201), false],
  ['with spaces in the middle of it', false],
])('request id %s kept: %s', async (id, kept) => {
  await open();
  bed.route([await bed.dyno((incoming, response) => response.end(incoming.headers['x-request-id']))]);
  const { body } = await bed.ask('/', { headers: { 'x-request-id': id } });
  expect(body === id).toBe(kept);
  await bed.line(new RegExp(`request_id=${body.replaceAll('+', '\\+')} `));
});

test('the head to the client: hop-by-hop out, Via and Server added, case, repeats and reason kept', async () => {
  await open();
  bed.route([
    await bed.answeringDyno(
      'HTTP/1.1 299 Fine By Me\r\nset-COOKIE: a=1\r\nset-COOKIE: b=2\r\nKeep-Alive: timeout=9\r\nConnection: keep-alive\r\n' +
        'TE: x\r\nVia: 1.1 inner\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nok',
    ),
  ]);
  const answer = await bed.ask('/');
  expect([answer.status, answer.message, answer.body]).toEqual([299, 'Fine By Me', 'ok']);
  const headers = spelt(answer.rawHeaders);
  expect(headers['set-COOKIE']).toEqual(['a=1', 'b=2']);
  expect(headers.Via).toEqual(['1.1 inner, 1.1 heroku-router']);
  expect(headers.Server).toEqual(['Heroku']);
  expect(headers['Proxy-Authenticate']).toEqual(['Basic']);
  expect(headers.TE).toBeUndefined();
  expect(headers['Keep-Alive']).not.toEqual(['timeout=9']);
});

test('HEAD, 204 and 304 have no body and keep the connection', async () => {
  await open();
  bed.route([
    await bed.dyno((incoming, response) => {
      response.writeHead(Number(incoming.url?.slice(1)), {
        'content-length': incoming.url === '/204' ? 0 : 5,
      });
      response.end(incoming.method === 'GET' && incoming.url === '/200' ? 'hello' : '');
    }),
  ]);
  const get = (method: string, path: string): string =>
    `${method} ${path} HTTP/1.1\r\nHost: demo.localhost\r\n\r\n`;
  const client = bed.raw(get('HEAD', '/200') + get('GET', '/204') + get('GET', '/304') + get('GET', '/200'));
  await until(() => client.received().endsWith('hello'));
  const parts = client.received().split(/(?=HTTP\/1\.1)/);
  expect(parts.map((part) => part.slice(9, 12))).toEqual(['200', '204', '304', '200']);
  expect(parts.slice(0, 3).every((part) => part.endsWith('\r\n\r\n'))).toBe(true);
  expect(parts[0]).toMatch(/Content-Length: 5/i);
});

test('an HTTP/1.0 client gets a chunked answer unchunked, and the end of the connection', async () => {
  await open();
  bed.route([
    await bed.dyno((_request, response) => {
      response.write('a');
      response.end('b');
    }),
  ]);
  const client = bed.raw('GET / HTTP/1.0\r\nHost: demo.localhost\r\n\r\n');
  const text = await client.closed;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).not.toMatch(/transfer-encoding/i);
  expect(text.endsWith('\r\n\r\nab')).toBe(true);
  expect(await bed.line(/http1\.0/)).toContain('status=200 bytes=2 protocol=http1.0 tls=false');
});

test('Expect: 100-continue is answered by the router and not passed on', async () => {
  await open();
  const told = await expectingDyno();
  bed.route([told.dyno]);
  const client = bed.raw(
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n',
  );
  await until(() => client.received() === 'HTTP/1.1 100 Continue\r\n\r\n');
  client.socket.write('ok');
  await until(() => client.received().endsWith('2\r\nok\r\n0\r\n\r\n'));
  expect(told.expectation).toBeUndefined();
});

test('an interim answer of the dyno is passed on', async () => {
  await open();
  bed.route([
    await bed.answeringDyno(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    ),
  ]);
  const client = bed.raw('GET / HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await until(() => client.received().endsWith('ok'));
  expect(client.received()).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n[\s\S]*\r\nHTTP\/1\.1 200 OK\r\n/,
  );
});

test.each([
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: demo.localhost\r\nHost: demo.localhost\r\n\r\n'],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  ],
  [
    'length and chunked',
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'coding twice',
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['space before colon', 'GET / HTTP/1.1\r\nHost : demo.localhost\r\n\r\n'],
  ['folded header', 'GET / HTTP/1.1\r\nHost: demo.localhost\r\nX: a\r\n b\r\n\r\n'],
  ['bare line feeds', 'GET / HTTP/1.1\nHost: demo.localhost\n\n'],
  ['1001 headers', `GET / HTTP/1.1\r\nHost: demo.localhost\r\n${'a: b\r\n'.repeat(1001)}\r\n`],
  ['long request line', `GET /${'a'.repeat(8200)} HTTP/1.1\r\nHost: demo.localhost\r\n\r\n`],
  ['long header name', `GET / HTTP/1.1\r\nHost: demo.localhost\r\n${'n'.repeat(1001)}: b\r\n\r\n`],
  ['huge head', `GET / HTTP/1.1\r\nHost: demo.localhost\r\n${`a: ${'b'.repeat(8000)}\r\n`.repeat(40)}\r\n`],
  ['target of another host', 'GET http://else.localhost/ HTTP/1.1\r\nHost: demo.localhost\r\n\r\n'],
  ['target without path', 'GET demo HTTP/1.1\r\nHost: demo.localhost\r\n\r\n'],
])('400 and close: %s', async (_name, text) => {
  await open();
  let reached = 0;
  bed.route([
    await bed.dyno((_request, response) => {
      reached++;
      response.end();
    }),
  ]);
  expect(await bed.raw(text).closed).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(reached).toBe(0);
});

test('CONNECT is refused; a target in absolute form is passed on as a path', async () => {
  await open();
  bed.route([await bed.dyno((incoming, response) => response.end(incoming.url))]);
  expect(await bed.raw('CONNECT demo.localhost:80 HTTP/1.1\r\nHost: demo.localhost\r\n\r\n').closed).toMatch(
    /^HTTP\/1\.1 405 /,
  );
  const client = bed.raw(
    'GET http://demo.localhost/x?y HTTP/1.1\r\nHost: demo.localhost\r\nConnection: close\r\n\r\n',
  );
  expect((await client.closed).endsWith('/x?y')).toBe(true);
});

test('a host in capitals, with a final dot and any port is the same app', async () => {
  await open();
  bed.route([await bed.dyno((_request, response) => response.end('ok'))]);
  for (const host of ['DEMO.localhost', 'demo.LOCALHOST.:1234', 'demo.localhost:80']) {
    expect((await bed.ask('/', { host })).body).toBe('ok');
  }
});

test('a POST without a body reaches the dyno with length 0', async () => {
  await open();
  bed.route([await bed.dyno((incoming, response) => response.end(JSON.stringify(incoming.headers)))]);
  const client = bed.raw('POST / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: close\r\n\r\n');
  expect(await client.closed).toContain('"content-length":"0"');
});
