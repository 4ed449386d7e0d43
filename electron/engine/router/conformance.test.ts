import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Testbed, until } from './testbed.ts';

const HOST = 'Host: demo.localhost\r\n';

describe('requests', () => {
  let bed: Testbed;
  const reached: string[] = [];
  beforeAll(async () => {
    bed = await new Testbed().listen();
    bed.route([
      await bed.dyno(
        (incoming, response) => {
          let body = '';
          incoming.setEncoding('latin1');
          incoming.on('data', (text: string) => (body += text));
          incoming.on('end', () => {
            reached.push(`${incoming.method} ${incoming.url} ${body}`);
            response.end('fine');
          });
          incoming.on('error', () => undefined);
        },
        (server) => {
          server.maxHeadersCount = 0;
        },
      ),
    ]);
  });
  afterAll(() => bed.close());

  test.each([
    ['no method', ` / HTTP/1.1\r\n${HOST}\r\n`],
    ['method of 128 characters', `${'M'.repeat(128)} / HTTP/1.1\r\n${HOST}\r\n`],
    ['method that is no token', `GE(T / HTTP/1.1\r\n${HOST}\r\n`],
    ['two spaces in the request line', `GET  / HTTP/1.1\r\n${HOST}\r\n`],
    ['space in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
    ['tab in the request line', `GET\t/ HTTP/1.1\r\n${HOST}\r\n`],
    ['space behind the version', `GET / HTTP/1.1 \r\n${HOST}\r\n`],
    ['no version', `GET /\r\n${HOST}\r\n`],
    ['HTTP/1.2', `GET / HTTP/1.2\r\n${HOST}\r\n`],
    ['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}\r\n`],
    ['HTTP/1.10', `GET / HTTP/1.10\r\n${HOST}\r\n`],
    ['lower-case version', `GET / http/1.1\r\n${HOST}\r\n`],
    ['fragment in the target', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`],
    ['NUL in the target', `GET /a\0b HTTP/1.1\r\n${HOST}\r\n`],
    ['asterisk with GET', `GET * HTTP/1.1\r\n${HOST}\r\n`],
    ['request line of 8193 bytes', `GET /${'a'.repeat(8193 - 14)} HTTP/1.1\r\n${HOST}\r\n`],
    ['header line of 8193 bytes', `GET / HTTP/1.1\r\n${HOST}A: ${'b'.repeat(8190)}\r\n\r\n`],
    ['header name of 1001 bytes', `GET / HTTP/1.1\r\n${HOST}${'n'.repeat(1001)}: b\r\n\r\n`],
    ['empty header name', `GET / HTTP/1.1\r\n${HOST}: b\r\n\r\n`],
    ['header without colon', `GET / HTTP/1.1\r\n${HOST}broken\r\n\r\n`],
    ['tab before the colon', `GET / HTTP/1.1\r\n${HOST}A\t: b\r\n\r\n`],
    ['header that begins with a space', `GET / HTTP/1.1\r\n A: b\r\n${HOST}\r\n`],
    ['name that is no token', `GET / HTTP/1.1\r\n${HOST}A(b: c\r\n\r\n`],
    ['NUL in a value', `GET / HTTP/1.1\r\n${HOST}A: b\0c\r\n\r\n`],
    ['DEL in a value', `GET / HTTP/1.1\r\n${HOST}A: b\x7fc\r\n\r\n`],
    ['bare CR in a value', `GET / HTTP/1.1\r\n${HOST}A: b\rc\r\n\r\n`],
    ['bare LF behind a value', `GET / HTTP/1.1\r\n${HOST}A: b\nB: c\r\n\r\n`],
    ['bare LF behind the request line', `GET / HTTP/1.1\n${HOST}\r\n`],
    ['CR CR LF', `GET / HTTP/1.1\r\r\n${HOST}\r\n`],
    ['fold with a tab', `GET / HTTP/1.1\r\n${HOST}A: b\r\n\tc\r\n\r\n`],
    ['empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['Host with a space', 'GET / HTTP/1.1\r\nHost: demo.localhost x\r\n\r\n'],
    ['Host with a comma', 'GET / HTTP/1.1\r\nHost: demo.localhost,x\r\n\r\n'],
    ['Host with a path', 'GET / HTTP/1.1\r\nHost: demo.localhost/x\r\n\r\n'],
    ['no Host with HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
    ['length with a sign', `POST / HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\na`],
    ['negative length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\na`],
    ['length list', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\na`],
    ['empty length', `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`],
    ['length in hex', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n\r\na`],
    ['length of 16 digits', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1000000000000000\r\n\r\na`],
    ['the same length twice', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
    ['unknown coding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`],
    ['coding list', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['identity', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\n`],
    ['coding with a vertical tab', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n`],
    ['chunked with HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('400 and close, and nothing for the dyno: %s', async (_name, text) => {
    reached.length = 0;
    expect(await bed.raw(text).closed).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*Connection: close\r\n/);
    expect(reached).toEqual([]);
  });

  test.each([
    ['no size', '\r\n'],
    ['size that is no hex', 'g\r\n'],
    ['size with a sign', '+1\r\na\r\n'],
    ['size with 0x', '0x1\r\na\r\n'],
    ['space before the size', ' 1\r\na\r\n'],
    ['space behind the size', '1 \r\na\r\n'],
    ['size of 14 digits', '00000000000001\r\na\r\n'],
    ['bare LF behind the size', '1\na\r\n'],
    ['bare LF behind the data', '1\r\na\n'],
    ['too little data', '2\r\na\r\n0\r\n\r\n'],
    ['too much data', '1\r\nab\r\n'],
    ['NUL in an extension', '1;a=\0\r\na\r\n'],
    ['bare LF in an extension', '1;a\nb\r\na\r\n'],
    ['extension of 2000 bytes', `1;${'e'.repeat(2000)}\r\na\r\n`],
    ['trailer without colon', '0\r\nbroken\r\n\r\n'],
    ['folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['bare LF behind a trailer', '0\r\nA: b\n\n'],
    ['trailers of 20 kB', `0\r\n${`A: ${'b'.repeat(2000)}\r\n`.repeat(10)}\r\n`],
  ])('400 and close for a body with a bad chunk: %s', async (_name, body) => {
    reached.length = 0;
    const client = bed.raw(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`);
    expect(await client.closed).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(reached).toEqual([]);
  });

  test.each([
    [
      'request line of 8192 bytes',
      `GET /${'a'.repeat(8192 - 14)} HTTP/1.1\r\n${HOST}`,
      '',
      /^GET \/a{8178} $/,
    ],
    ['method of 127 characters', `${'M'.repeat(127)} / HTTP/1.1\r\n${HOST}`, '', null],
    ['header line of 8192 bytes', `GET /1 HTTP/1.1\r\n${HOST}A: ${'b'.repeat(8189)}\r\n`, '', /^GET \/1 $/],
    ['1000 headers', `GET /2 HTTP/1.1\r\n${HOST}${'a: b\r\n'.repeat(998)}`, '', /^GET \/2 $/],
    ['no space behind the colon', `GET /3 HTTP/1.1\r\nHost:demo.localhost\r\n`, '', /^GET \/3 $/],
    ['bytes above 127 in a value', `GET /4 HTTP/1.1\r\n${HOST}A: \xe9\xff\r\n`, '', /^GET \/4 $/],
    ['empty line before the request', `\r\nGET /5 HTTP/1.1\r\n${HOST}`, '', /^GET \/5 $/],
    ['length 0', `POST /6 HTTP/1.1\r\n${HOST}Content-Length: 0\r\n`, '', /^POST \/6 $/],
    [
      'chunks with extensions',
      `POST /7 HTTP/1.1\r\n${HOST}Transfer-Encoding: Chunked\r\n`,
      '1;a=b\r\nx\r\nA;q="1"\r\n0123456789\r\n0\r\n\r\n',
      /^POST \/7 x0123456789$/,
    ],
    ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}`, '', /^OPTIONS \* $/],
    ['a body behind GET', `GET /8 HTTP/1.1\r\n${HOST}Content-Length: 3\r\n`, 'abc', /^GET \/8 abc$/],
  ])('passed on: %s', async (_name, head, body, expected) => {
    reached.length = 0;
    const client = bed.raw(`${head}Connection: close\r\n\r\n${body}`);
    const text = await client.closed;
    if (expected === null) {
      // Node's own parser knows no such method; the router left the judgement to the dyno.
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
      return;
    }
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfine$/);
    expect(reached).toHaveLength(1);
    expect(reached[0]).toMatch(expected);
  });

  test('a head that comes byte by byte, and three requests in one piece', async () => {
    reached.length = 0;
    const client = bed.raw('');
    client.socket.setNoDelay(true);
    for (const char of `GET /slow HTTP/1.1\r\n${HOST}\r\n`) {
      client.socket.write(char);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => reached.length === 1);
    client.socket.write(
      `POST /one HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcGET /two HTTP/1.1\r\n${HOST}\r\n` +
        `POST /three HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nde\r\n0\r\n\r\nGET /behind HTTP/1.1\r\n${HOST}\r\n`,
    );
    expect((await client.closed).split('fine')).toHaveLength(5);
    expect(reached).toEqual(['GET /slow ', 'POST /one abc', 'GET /two ', 'POST /three de']);
  });

  test('extensions of chunks and trailers that steer are not passed on', async () => {
    let seen = '';
    const raw = await bed.rawDyno((socket) => {
      socket.on('data', (data) => {
        seen += data.toString('latin1');
        if (seen.endsWith('\r\n\r\n') && seen.includes('\r\n0\r\n'))
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
    });
    bed.router.setRoute({ appId: 'raw', appName: 'raw-app', state: 'up', backends: [raw] });
    const client = bed.raw(
      'POST / HTTP/1.1\r\nHost: raw-app.localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n' +
        '2;x=y\r\nab\r\n0\r\nContent-Length: 5\r\nX-Sum: 1\r\nHost: else\r\n\r\n',
    );
    expect(await client.closed).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen.endsWith('\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n')).toBe(true);
  });
});

describe('answers', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await new Testbed().listen();
  });
  afterAll(() => bed.close());

  test.each([
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'H17'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'H17'],
    ['status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', 'H17'],
    ['status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', 'H17'],
    ['status 099', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n', 'H17'],
    ['no space behind the status', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', 'H17'],
    ['space before a colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n', 'H17'],
    ['folded header', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', 'H17'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n', 'H17'],
    ['unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', 'H17'],
    ['chunked from HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'H17'],
    ['length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'H25'],
    [
      'length and chunked',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'H25',
    ],
    ['status line of 9 kB', `HTTP/1.1 200 ${'O'.repeat(9000)}\r\nContent-Length: 0\r\n\r\n`, 'H25'],
    [
      '100 twice',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'H17',
    ],
    [
      '100 interim answers',
      `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
      null,
    ],
  ])('%s', async (_name, text, code) => {
    bed.lines.length = 0;
    bed.route([await bed.answeringDyno(text)]);
    const client = bed.raw(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    const answer = await client.closed;
    if (code === null) await bed.line(/code=H17/);
    else {
      expect(answer).toMatch(code === 'H25' ? /^HTTP\/1\.1 502 Bad Gateway/ : /^HTTP\/1\.1 503 Service/);
      await bed.line(new RegExp(`code=${code}`));
    }
  });

  test('an empty reason phrase is one', async () => {
    bed.route([await bed.answeringDyno('HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok')]);
    const client = bed.raw(`GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    expect(await client.closed).toMatch(/^HTTP\/1\.1 200 \r\n[^]*\r\n\r\nok$/);
  });

  test('two equal lengths are one; what comes behind the answer ends the connection to the dyno', async () => {
    let connections = 0;
    bed.route([
      await bed.rawDyno((socket) => {
        connections++;
        socket.on('data', () =>
          socket.write(
            'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n',
          ),
        );
      }),
    ]);
    for (let i = 1; i <= 3; i++) {
      const answer = await bed.ask('/');
      expect([answer.body, answer.headers['content-length']]).toEqual(['ok', '2']);
      expect(connections).toBe(i);
    }
  });

  test('an answer that ends with its connection is chunked for HTTP/1.1 and keeps the client; a break is no end', async () => {
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\n\r\nhello', 'end')]);
    const client = bed.raw(`GET / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    const text = await client.closed;
    expect(text.split('\r\n5\r\nhello\r\n0\r\n\r\n')).toHaveLength(3);
    const old = await bed.raw(`GET / HTTP/1.0\r\n${HOST}\r\n`).closed;
    expect(old).not.toMatch(/transfer-encoding/i);
    expect(old.endsWith('\r\n\r\nhello')).toBe(true);
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\n\r\nhello', 'reset')]);
    await expect(bed.ask('/')).rejects.toThrow();
  });

  test('a broken chunk in an answer breaks the connection', async () => {
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokX')]);
    await expect(bed.ask('/')).rejects.toThrow();
    await bed.line(/code=H17/);
  });

  test('an HTTP/1.0 client that asks for it keeps its connection', async () => {
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')]);
    const client = bed.raw(`GET / HTTP/1.0\r\n${HOST}Connection: Keep-Alive\r\n\r\n`);
    await until(() => client.received().endsWith('ok'));
    expect(client.received()).toMatch(/\r\nConnection: keep-alive\r\n/);
  });

  test('a head that never ends gets 408; an idle connection is closed in silence', async () => {
    const own = new Testbed({ headMs: 200, clientKeepAliveMs: 200 });
    await own.listen();
    try {
      expect(await own.raw('GET / HT').closed).toMatch(/^HTTP\/1\.1 408 /);
      expect(await own.raw('').closed).toBe('');
    } finally {
      await own.close();
    }
  });

  test('an app that sleeps is woken for each request, and serves it then', async () => {
    const woken: string[] = [];
    const own = new Testbed({}, (appId) => woken.push(appId));
    await own.listen();
    try {
      own.route([], 'asleep');
      const asked = own.ask('/');
      await until(() => woken.length === 1);
      own.route([await own.dyno((_incoming, response) => response.end('awake'))]);
      expect((await asked).body).toBe('awake');
      expect(woken).toEqual(['app-1']);
    } finally {
      await own.close();
    }
  });
});
