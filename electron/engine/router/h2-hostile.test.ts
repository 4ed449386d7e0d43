import { once } from 'node:events';
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { answerWithoutEnd, pause, until } from './testbed.ts';
import { askH2, hostileH2, openSession, rawH2, statusOrReset } from './testing-h2.ts';
import { bed, openTls, tls } from './testing-bed.ts';

describe('a client that goes', () => {
  const upload = { ':path': '/', ':method': 'POST' };

  /** A dyno that tells how much it got and when its connection is gone. */
  async function watched(reads = true) {
    const seen = { bytes: 0, gone: 0, sockets: [] as Socket[] };
    bed.route([
      await bed.rawDyno((socket) => {
        seen.sockets.push(socket);
        if (reads) socket.on('data', (chunk) => (seen.bytes += chunk.length));
        else socket.pause();
        socket.on('close', () => (seen.gone += 1));
      }),
    ]);
    return seen;
  }

  test.each([
    [constants.NGHTTP2_CANCEL, /^sock=client at=warning code=H27 .* status=499 /],
    [constants.NGHTTP2_NO_ERROR, /^sock=client at=warning code=H27 .* status=499 /],
    [constants.NGHTTP2_INTERNAL_ERROR, /^at=error code=H33 desc="HTTP\/2 Stream Broken" .* status=499 /],
  ])(
    'in the middle of its body, with code %s; its dyno is free, and other streams go on',
    async (code, line) => {
      await openTls();
      const seen = await watched();
      const session = openSession(bed, tls);
      const stream = session.request(upload);
      stream.on('error', () => undefined);
      stream.write('x'.repeat(5000));
      await until(() => seen.bytes > 5000);
      stream.close(code);
      await bed.line(line);
      await until(() => seen.gone === 1);
      bed.route([await bed.dyno((_request, response) => response.end('next'))]);
      expect((await askH2(session, { ':path': '/' })).body).toBe('next');
    },
  );

  test('while its body waits for the dyno, which answers then', async () => {
    await openTls();
    const seen = await watched(false);
    const session = openSession(bed, tls);
    const stream = session.request(upload);
    stream.on('error', () => undefined);
    stream.write('x'.repeat(3_000_000));
    await until(() => seen.sockets.length === 1);
    await pause(100);
    stream.close(constants.NGHTTP2_CANCEL);
    seen.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    // Whichever the router hears of first.
    await bed.line(/code=H27| status=200 /);
    bed.route([await bed.dyno((_request, response) => response.end('next'))]);
    expect((await askH2(session, { ':path': '/' })).body).toBe('next');
  });

  test('with its whole connection: H27 for each request', async () => {
    await openTls();
    const seen = await watched();
    const session = openSession(bed, tls);
    for (const path of ['/a', '/b']) session.request({ ':path': path }).on('error', () => undefined);
    await until(() => seen.sockets.length === 2);
    session.destroy();
    await until(() => bed.lines.length === 2);
    for (const line of bed.lines) expect(line).toMatch(/^sock=client at=warning code=H27 /);
    await until(() => seen.gone === 2);
  });
});

describe('flow control', () => {
  test('a client that never reads stops its dyno, and is left after the longest silence', async () => {
    await openTls({ idleMs: 500 });
    let count = { sent: 0 };
    let gone = false;
    bed.route([
      await bed.rawDyno((socket) => {
        count = answerWithoutEnd(socket);
        socket.on('close', () => (gone = true));
      }),
    ]);
    const session = openSession(bed, tls);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    const closed = new Promise((resolve) => stream.on('close', resolve));
    await once(stream, 'response');
    expect(await bed.line(/code=H28/)).toMatch(/at=warning code=H28 .* dyno=web\.1 .* status=499 /);
    await until(() => gone);
    expect(count.sent).toBeLessThan(50 * 1024 * 1024);
    stream.resume();
    await closed;
    expect(stream.rstCode).not.toBe(0);
    bed.route([await bed.dyno((_request, response) => response.end('next'))]);
    expect((await askH2(session, { ':path': '/' })).body).toBe('next');
  });

  test('the same for an answer that is whole in the router', async () => {
    await openTls({ idleMs: 500 });
    // More than the client takes, and less than the router keeps: its end is with what the client does not take.
    const size = 80_000;
    bed.route([await bed.dyno((_request, response) => response.end('x'.repeat(size)))]);
    const stream = openSession(bed, tls).request({ ':path': '/' });
    stream.on('error', () => undefined);
    const closed = new Promise((resolve) => stream.on('close', resolve));
    await once(stream, 'response');
    expect(await bed.line(/code=H28/)).toMatch(/ dyno=web\.1 .* status=499 /);
    let got = 0;
    stream.on('data', (chunk: Buffer) => (got += chunk.length));
    await closed;
    expect(got).toBeLessThan(size);
    expect(stream.rstCode).not.toBe(0);
  });

  test('a client that reads late gets all of it', async () => {
    await openTls();
    const size = 300_000;
    bed.route([await bed.dyno((_request, response) => response.end('x'.repeat(size)))]);
    const stream = openSession(bed, tls).request({ ':path': '/' });
    await once(stream, 'response');
    await pause(300);
    expect(bed.lines).toEqual([]);
    let got = 0;
    for await (const chunk of stream) got += (chunk as Buffer).length;
    expect(got).toBe(size);
    await bed.line(/ status=200 bytes=300000 /);
  });

  test('a body that nobody wants any more does not keep its stream', async () => {
    await openTls();
    bed.route([await bed.answeringDyno('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')]);
    const stream = openSession(bed, tls).request({ ':path': '/', ':method': 'POST' });
    const closed = new Promise((resolve) => stream.on('close', resolve));
    stream.end('x'.repeat(3_000_000));
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await closed;
    expect([text, stream.rstCode]).toEqual(['no', 0]);
  });

  test('a dyno that does not read stops the client from sending', async () => {
    await openTls({ idleMs: 2_000 });
    bed.route([await bed.rawDyno((socket) => socket.pause())]);
    const stream = openSession(bed, tls).request({ ':path': '/', ':method': 'POST' });
    stream.on('error', () => undefined);
    let taken = 0;
    const piece = Buffer.alloc(64 * 1024);
    const more = (): void => {
      if (!stream.destroyed && taken < 200 * 1024 * 1024)
        stream.write(piece, (error) => {
          if (error != null) return;
          taken += piece.length;
          more();
        });
    };
    more();
    await bed.line(/code=H15/);
    expect(taken).toBeLessThan(50 * 1024 * 1024);
  });
});

describe('limits of a head', () => {
  test.each([
    ['value', { 'x-long': 'x'.repeat(8192) }],
    ['name', { ['n'.repeat(1001)]: 'x' }],
    ['path', { ':path': `/${'p'.repeat(8192)}` }],
    ['number', Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`x-${at}`, '1']))],
  ])('a %s that is too much for HTTP/1.1 is for HTTP/2', async (_name, headers) => {
    await openTls();
    bed.route([], 'crashed');
    const session = openSession(bed, tls);
    const answer = await askH2(session, { ':path': '/', ...headers });
    expect(answer.headers[':status']).toBe(400);
    // As with HTTP/1.1, the app of a request line that is too long is not known.
    if (!(':path' in headers)) await bed.line(/cause="bad header" .* status=400 .* protocol=http2\.0 /);
    expect((await askH2(session, { ':path': '/' })).headers[':status']).toBe(503);
  });

  test('one without end is refused by the connection, and others live on', async () => {
    await openTls();
    bed.route([await bed.dyno((_request, response) => response.end('next'))]);
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`x-${at}`, 'b'.repeat(8000)]));
    const answer = await askH2(openSession(bed, tls), { ':path': '/', ...many });
    expect(answer.body).not.toBe('next');
    expect(bed.lines.filter((line) => line.includes('status=200'))).toEqual([]);
    expect((await askH2(openSession(bed, tls), { ':path': '/' })).body).toBe('next');
  });
});

describe('CONNECT', () => {
  test('is refused as with HTTP/1.1', async () => {
    await openTls();
    const session = openSession(bed, tls);
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'demo.localhost' });
    stream.on('error', () => undefined);
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(405);
    expect(bed.lines).toEqual([]);
  });

  test('for another protocol is not offered, and who sends it gets an error of the stream', async () => {
    await openTls();
    let reached = false;
    bed.route([await bed.rawDyno(() => (reached = true))]);
    const session = openSession(bed, tls);
    if (session.connecting) await once(session, 'connect');
    await until(() => session.remoteSettings?.maxConcurrentStreams !== undefined);
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
    const socket = await rawH2(bed, tls);
    socket.resume();
    socket.write(
      hostileH2([
        ...([
          [':method', 'CONNECT'],
          [':protocol', 'websocket'],
          [':scheme', 'https'],
        ] as const),
        ...([
          [':path', '/'],
          [':authority', 'demo.localhost'],
        ] as const),
      ]),
    );
    expect(await statusOrReset(socket)).toBe('reset 1');
    expect(reached).toBe(false);
  });
});

const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'demo.localhost'],
] as const;
const POST = [[':method', 'POST'], ...GET.slice(1)] as const;

test.each([
  ['a name in capitals', [...GET, ['X-Own', '1']], undefined],
  ['a header of the connection', [...GET, ['connection', 'close']], undefined],
  ['a coding', [...POST, ['transfer-encoding', 'chunked']], '0\r\n\r\n'],
  ['te that is not trailers', [...GET, ['te', 'gzip']], undefined],
  ['a line break in the path', [GET[0], GET[1], [':path', '/ HTTP/1.1\r\nx: y'], GET[3]], undefined],
  ['a line break in the method', [[':method', 'GET / HTTP/1.1\r\nx: y'], ...GET.slice(1)], undefined],
  ['a line break in the host', [...GET.slice(0, 3), [':authority', 'demo.localhost\r\nx: y']], undefined],
  ['no path', [GET[0], GET[1], GET[3]], undefined],
  ['an empty path', [GET[0], GET[1], [':path', ''], GET[3]], undefined],
  ['two paths', [...GET, [':path', '/b']], undefined],
  ['a pseudo header behind another one', [...GET, ['x-own', '1'], [':path', '/b']], undefined],
  ['an unknown pseudo header', [...GET, [':own', '1']], undefined],
  ['a body that is longer than its length', [...POST, ['content-length', '1']], 'abc'],
  ['a body that is shorter than its length', [...POST, ['content-length', '9']], 'abc'],
  ['two lengths', [...POST, ['content-length', '3'], ['content-length', '4']], 'abc'],
  ['a length that is none', [...POST, ['content-length', '+3']], 'abc'],
  ['a space in the path', [GET[0], GET[1], [':path', '/a b'], GET[3]], undefined],
  ['a path without slash', [GET[0], GET[1], [':path', 'demo'], GET[3]], undefined],
  ['a host with a path', [...GET.slice(0, 3), [':authority', 'demo.localhost/x']], undefined],
] as const)('no dyno gets a whole request of %s', async (_name, fields, body) => {
  await openTls();
  const whole: string[] = [];
  bed.route([
    await bed.dyno((incoming, response) => {
      incoming.on('error', () => undefined).resume();
      incoming.on('end', () => {
        whole.push(incoming.rawHeaders.join());
        response.end('served');
      });
    }),
  ]);
  const socket = await rawH2(bed, tls);
  socket.write(hostileH2(fields, body));
  expect(await statusOrReset(socket)).toMatch(/^(headers|reset 1|goaway [12])$/);
  bed.lines.length = 0;
  expect((await askH2(openSession(bed, tls), { ':path': '/right' })).body).toBe('served');
  await bed.line(/right/);
  expect(whole).toHaveLength(1);
});

test('a header that is none does not reach a dyno, nor does what it hides', async () => {
  await openTls();
  let seen: string[] = [];
  bed.route([
    await bed.dyno((incoming, response) => {
      seen = incoming.rawHeaders.map((each) => each.toLowerCase());
      response.end();
    }),
  ]);
  const socket = await rawH2(bed, tls);
  const hostile = [
    ['x-own', 'a\r\nx-inner: 1'],
    ['x-two', 'a\nx-inner: 1'],
    ['x-nul', 'a\0b'],
    ['x own', '1'],
    ['x-own:\r\nx-inner', '1'],
  ] as const;
  socket.write(hostileH2([...GET, ...hostile]));
  expect(await statusOrReset(socket)).toBe('headers');
  expect(seen).toContain('host');
  expect(seen.filter((each) => /x-own|x-two|x-nul|x-inner|x own/.test(each))).toEqual([]);
});
