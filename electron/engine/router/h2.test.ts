import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { until } from './testbed.ts';
import { askH2, openSession } from './testing-h2.ts';
import { bed, expectingDyno, openTls, tls } from './testing-bed.ts';

describe('HTTP/2', () => {
  const PATH = { ':path': '/' };

  test('goes to dynos as HTTP/1.1, with everything that was said', async () => {
    await openTls();
    bed.route([
      await bed.dyno((incoming, response) => {
        let body = '';
        incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
        incoming.on('end', () => {
          response.setHeader('set-cookie', ['a=1', 'b=2']);
          response.setHeader('x-list', ['one', 'two']);
          response.end(JSON.stringify({ ...incoming.headers, body, version: incoming.httpVersion }));
        });
      }),
    ]);
    const on = openSession(bed, tls);
    const { headers, body } = await askH2(
      on,
      { ':path': '/a?b', ':method': 'POST', cookie: 'x=1; y=2', 'x-own': 'größe', te: 'trailers' },
      'the body',
    );
    const seen = JSON.parse(body) as Record<string, string>;
    expect(seen).toMatchObject({
      ...{ body: 'the body', version: '1.1', host: `demo.localhost:${tls.port}`, cookie: 'x=1; y=2' },
      ...{
        'x-forwarded-proto': 'https',
        'x-forwarded-port': String(tls.port),
        'x-forwarded-for': '127.0.0.1',
      },
    });
    expect(seen['te']).toBeUndefined();
    expect(headers).toMatchObject({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-list': 'one, two' });
    expect(headers['connection']).toBeUndefined();
    expect(await bed.line(/a\?b/)).toMatch(
      /^at=info method=POST path="\/a\?b" host=demo\.localhost:\d+ .* status=200 bytes=\d+ protocol=http2\.0 tls=true tls_version=tls1\.3$/,
    );
  });

  test('many requests share a connection', async () => {
    await openTls();
    bed.route([await bed.dyno((incoming, response) => response.end(incoming.url))]);
    const on = openSession(bed, tls);
    const paths = Array.from({ length: 300 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => askH2(on, { ':path': path })));
    expect(answers.map(({ body }) => body)).toEqual(paths);
  });

  test('HEAD, 204, 304 and a chunked answer come as they are', async () => {
    await openTls();
    bed.route([
      await bed.dyno((incoming, response) => {
        if (incoming.url === '/204') response.writeHead(204).end();
        else if (incoming.url === '/304') response.writeHead(304, { etag: '"x"' }).end();
        else if (incoming.url === '/chunked') {
          response.write('one ');
          response.end('two');
        } else response.setHeader('content-length', 4).end('body');
      }),
    ]);
    const on = openSession(bed, tls);
    const head = await askH2(on, { ':path': '/', ':method': 'HEAD' });
    expect([head.headers[':status'], head.headers['content-length'], head.body]).toEqual([200, '4', '']);
    expect((await askH2(on, { ':path': '/204' })).headers[':status']).toBe(204);
    expect((await askH2(on, { ':path': '/304' })).headers).toMatchObject({ ':status': 304, etag: '"x"' });
    const chunked = await askH2(on, { ':path': '/chunked' });
    expect([chunked.body, chunked.headers['transfer-encoding']]).toEqual(['one two', undefined]);
  });

  test('large bodies go both ways', async () => {
    await openTls();
    bed.route([await bed.dyno((incoming, response) => incoming.pipe(response))]);
    const body = 'x'.repeat(5_000_000);
    const answer = await askH2(openSession(bed, tls), { ':path': '/', ':method': 'PUT' }, body);
    expect(answer.body).toHaveLength(body.length);
    expect(answer.reset).toBe(0);
  });

  test('the router’s pages and codes are the same', async () => {
    await openTls({ firstByteMs: 200 });
    bed.routeWith({ maintenance: true }, []);
    const on = openSession(bed, tls);
    const maintenance = await askH2(on, PATH);
    expect(maintenance.headers).toMatchObject({ ':status': 503, 'slipway-error': 'H80' });
    expect(await bed.line(/H80/)).toMatch(/ status=503 bytes= protocol=http2\.0 tls=true /);
    const page = await askH2(openSession(bed, tls, 'nobody.localhost'), PATH);
    expect(page.headers[':status']).toBe(404);
    bed.route([await bed.dyno((incoming) => void incoming.resume())]);
    expect((await askH2(on, PATH)).headers).toMatchObject({ ':status': 503, 'slipway-error': 'H12' });
    expect((await askH2(on, { ':path': '/a#b' })).headers[':status']).toBe(400);
    expect((await askH2(on, { ...PATH, expect: 'tea' })).headers[':status']).toBe(417);
  });

  test('a break is a break on either side', async () => {
    await openTls();
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', 'reset')]);
    expect((await askH2(openSession(bed, tls), PATH)).reset).toBe(2);
    await bed.line(/code=H18 .* protocol=http2\.0 /);
    bed.route([
      await bed.answeringDyno('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'end'),
    ]);
    const cut = await askH2(openSession(bed, tls), PATH);
    expect([cut.headers[':status'], cut.reset]).toEqual([200, 2]);
    let gone = false;
    bed.route([
      await bed.dyno((_request, response) => {
        response.on('close', () => (gone = true));
        response.write('begin');
      }),
    ]);
    const stream = openSession(bed, tls).request({ ':path': '/left' });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.on('data', resolve));
    stream.close(8);
    expect(await bed.line(/left/)).toMatch(
      /^sock=client at=warning code=H27 .* status=499 bytes=5 protocol=http2\.0/,
    );
    await until(() => gone);
  });
});

describe('trailers', () => {
  /** A dyno that answers with what it got, and with trailers. */
  const echo = () =>
    bed.dyno((incoming, response) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
      incoming.on('end', () => {
        response.writeHead(200, { trailer: 'x-back' });
        response.write(JSON.stringify([body, incoming.headers['content-length'] ?? null, incoming.trailers]));
        response.addTrailers({ 'X-Back': 'seen', 'Content-Length': '7' });
        response.end();
      });
    });

  test('pass in both directions, without those that steer', async () => {
    await openTls();
    bed.route([await echo()]);
    const request = { ':path': '/', ':method': 'POST' };
    const trailers = { 'x-sum': '42', host: 'else', 'x-forwarded-for': '1.2.3.4' };
    const answer = await askH2(openSession(bed, tls), request, 'body', trailers);
    expect(JSON.parse(answer.body)).toEqual(['body', null, { 'x-sum': '42' }]);
    expect(answer.headers['trailer']).toBe('x-back');
    expect(Object.entries(answer.trailers)).toEqual([['x-back', 'seen']]);
    expect(answer.reset).toBe(0);
  });

  test('pass where a length was told as well, when the head announced them', async () => {
    await openTls();
    bed.route([await echo()]);
    const request = { ':path': '/', ':method': 'POST', 'content-length': '4', trailer: 'x-sum' };
    const answer = await askH2(openSession(bed, tls), request, 'body', { 'x-sum': '42' });
    expect(JSON.parse(answer.body)).toEqual(['body', null, { 'x-sum': '42' }]);
  });

  test('too many of them are a bad request', async () => {
    await openTls();
    bed.route([await echo()]);
    const trailers = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`x-${at}`, 'b'.repeat(1000)]));
    const answer = await askH2(openSession(bed, tls), { ':path': '/', ':method': 'POST' }, 'body', trailers);
    expect(answer.headers[':status']).toBe(400);
    await bed.line(/cause="bad chunk" .* status=400 .* protocol=http2\.0 /);
  });
});

describe('interim answers', () => {
  test('100 comes from the router where it is asked for, and the body behind it', async () => {
    await openTls();
    const told = await expectingDyno();
    bed.route([told.dyno]);
    const stream = openSession(bed, tls).request({ ':path': '/', ':method': 'PUT', expect: '100-continue' });
    await once(stream, 'continue');
    stream.end('the body');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect([text, told.expectation]).toEqual(['the body', undefined]);
  });

  test('others come from the dyno', async () => {
    await openTls();
    bed.route([
      await bed.answeringDyno(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    ]);
    const answer = await askH2(openSession(bed, tls), { ':path': '/' });
    expect(answer.interim.map((each) => [each[':status'], each['link']])).toEqual([[103, '</a.css>']]);
    expect([answer.headers[':status'], answer.body]).toEqual([200, 'ok']);
  });
});

test.each([
  ['200 OK', 'Connection: keep-alive, x\r\nKeep-Alive: timeout=9\r\nUpgrade: h2c\r\n', 200],
  ['205 Reset Content', '', 205],
  ['299 Own', 'X-Bytes: \xe9\xff\r\n', 299],
  ['599 Own', 'ETag: "a"\r\nETag: "b"\r\nVary: a\r\nVary: b\r\n', 599],
  // What is no status passes by HTTP/1.1 alone.
  ['600 Beyond', '', 503],
  ['999 Far Beyond', '', 503],
])('an answer %s of a dyno comes with its status', async (line, headers, status) => {
  await openTls();
  bed.route([await bed.answeringDyno(`HTTP/1.1 ${line}\r\n${headers}Content-Length: 0\r\n\r\n`)]);
  const answer = await askH2(openSession(bed, tls), { ':path': '/' });
  expect([answer.headers[':status'], answer.reset]).toEqual([status, 0]);
  for (const name of ['connection', 'keep-alive', 'upgrade']) expect(answer.headers[name]).toBeUndefined();
});

test('H31 is for a host that the connection is not for, whatever app that is', async () => {
  await openTls();
  bed.routeWith({ domains: ['www.example.com'] }, [
    await bed.dyno((_request, response) => response.end('ok')),
  ]);
  const session = openSession(bed, tls);
  expect((await askH2(session, { ':path': '/' })).body).toBe('ok');
  const other = await askH2(session, { ':path': '/', ':authority': 'www.example.com' });
  expect(other.headers[':status']).toBe(421);
  expect((await askH2(openSession(bed, tls, 'www.example.com'), { ':path': '/' })).body).toBe('ok');
  const nobody = await askH2(session, { ':path': '/', ':authority': 'nobody.localhost' });
  expect(nobody.headers[':status']).toBe(404);
});
