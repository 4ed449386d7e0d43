import { beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from './routing-table.ts';
import { bed, open } from './testing-bed.ts';
import { pause, Testbed, until } from './testbed.ts';

/** What passes the router and what does not, at the edges of the platform's rules (reference: heroku-platform 4.2 to 4.4). */
beforeEach(() => open());

const HOST = 'Host: demo.localhost\r\n';

/** A dyno that keeps what it got as it came and gives each request the same answer. */
async function recorder(answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') {
  const seen = { text: '', connections: 0 };
  const backend: Backend = await bed.rawDyno((socket) => {
    seen.connections += 1;
    socket.on('data', (data) => {
      seen.text += data.toString('latin1');
      if (seen.text.endsWith('\r\n\r\n')) socket.write(answer, 'latin1');
    });
  });
  bed.route([backend]);
  return seen;
}

const ask = (start: string, headers = ''): Promise<string> =>
  bed.raw(`${start}\r\n${HOST}${headers}Connection: close\r\n\r\n`).closed;

describe('requests', () => {
  test.each([
    ...[
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      'PURGE',
      'get',
      'X!',
    ],
    'M'.repeat(127),
  ])('method %s', async (method) => {
    const seen = await recorder();
    expect(await ask(`${method} /m HTTP/1.1`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(seen.text.startsWith(`${method} /m HTTP/1.1\r\n`)).toBe(true);
    expect(await bed.line(/\/m/)).toContain(`method=${method} path="/m"`);
  });

  test.each([
    ['1000 headers', `${'a: b\r\n'.repeat(998)}`, 200],
    ['1001 headers', `${'a: b\r\n'.repeat(999)}`, 400],
    ['a name of 1000 bytes', `${'n'.repeat(1000)}: b\r\n`, 200],
    ['a name of 1001 bytes', `${'n'.repeat(1001)}: b\r\n`, 400],
  ])('%s', async (_name, headers, status) => {
    await recorder();
    expect((await ask('GET / HTTP/1.1', headers)).slice(9, 12)).toBe(String(status));
  });

  test('a head is whole before a dyno hears of it', async () => {
    const seen = await recorder();
    const client = bed.raw(`GET / HTTP/1.1\r\n${HOST}X-Own: 1\r\n`);
    await pause(50);
    expect(seen.connections).toBe(0);
    client.socket.write('\r\n');
    await until(() => client.received().endsWith('ok'));
    expect(seen.connections).toBe(1);
  });

  test('a client of HTTP/1.0 is one of HTTP/1.1 for the dyno, and the router says 1.1 to it', async () => {
    const seen = await recorder();
    expect(await bed.raw(`GET /old HTTP/1.0\r\n${HOST}Expect: 100-continue\r\n\r\n`).closed).toMatch(
      /^HTTP\/1\.1 200 OK\r\n/,
    );
    expect(seen.text).toMatch(/^GET \/old HTTP\/1\.1\r\n/);
    expect(seen.text).not.toMatch(/expect/i);
  });

  test('a target with a host of its own, as proxies get them', async () => {
    const seen = await recorder();
    for (const target of ['http://demo.localhost/a?b', 'HTTPS://DEMO.localhost/a?b'])
      expect(await ask(`GET ${target} HTTP/1.1`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen.text.match(/^GET \/a\?b HTTP\/1\.1$/gm)).toHaveLength(2);
    expect(await ask('GET ftp://demo.localhost/ HTTP/1.1')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each(['GET', 'HEAD', 'POST', 'OWN'])(
    'an upgrade with %s, which only a 101 makes one',
    async (method) => {
      const seen = await recorder(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own/1\r\n\r\nhello',
      );
      const start = `${method} /up HTTP/1.1\r\n${HOST}Connection: keep-alive, Upgrade\r\nUpgrade: own/1\r\n\r\n`;
      const client = bed.raw(start);
      await until(() => client.received().endsWith('hello'));
      expect(client.received()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*Upgrade: own\/1\r\n/);
      expect(seen.text).toMatch(/\r\nUpgrade: own\/1\r\n/);
      expect(seen.text.match(/^connection: .*$/gim)).toEqual(['Connection: Upgrade']);
      client.socket.write('from the client');
      await until(() => seen.text.endsWith('from the client'));
      client.socket.destroy();
      await bed.line(/path="\/up" .* status=101 bytes=5 /);
      await recorder();
      expect(await bed.raw(start).closed).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nConnection: close\r\n/);
    },
  );
});

describe('answers', () => {
  const reason = (size: number): string => 'O'.repeat(size - 'HTTP/1.1 200 '.length);

  test.each([
    ['a status line of 8192 bytes', `HTTP/1.1 200 ${reason(8192)}\r\n`, 200],
    ['a status line of 8193 bytes', `HTTP/1.1 200 ${reason(8193)}\r\n`, 502],
    ['a header of 512 kB', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(512 * 1024 - 3)}\r\n`, 200],
    ['a header of 512 kB and a byte', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(512 * 1024 - 2)}\r\n`, 502],
    ['a cookie of 8192 bytes', `HTTP/1.1 200 OK\r\nSet-Cookie: ${'c'.repeat(8192)}\r\n`, 200],
    ['a cookie of 8193 bytes', `HTTP/1.1 200 OK\r\nSet-Cookie: ${'c'.repeat(8193)}\r\n`, 502],
  ])('%s', async (_name, head, status) => {
    await recorder(`${head}Content-Length: 2\r\n\r\nok`);
    expect((await ask('GET / HTTP/1.1')).slice(9, 12)).toBe(String(status));
  });

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody'],
    ['GET', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'],
  ])('a body where none may be is not passed on: %s, %j', async (method, answer) => {
    await recorder(answer);
    const text = await ask(`${method} / HTTP/1.1`);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
    expect(text).not.toContain('body');
    await bed.line(/^at=info .* bytes=0 /);
  });

  test('nor behind an interim answer', async () => {
    await recorder('HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\n');
    expect(await ask('GET / HTTP/1.1')).not.toContain('bodyHTTP');
    await bed.line(/code=H17/);
  });

  test('an HTTP/1.0 answer, with a server and a date of its own', async () => {
    await recorder('HTTP/1.0 200 Fine\r\nServer: own\r\nDate: then\r\nContent-Length: 2\r\n\r\nok');
    const text = await ask('GET / HTTP/1.1');
    expect(text).toMatch(/^HTTP\/1\.1 200 Fine\r\nServer: own\r\nDate: then\r\n/);
    expect(text.match(/^(server|date):/gim)).toHaveLength(2);
  });

  test('nothing is compressed and nothing kept: the second request reaches the dyno as well', async () => {
    const seen = await recorder(
      'HTTP/1.1 200 OK\r\nCache-Control: public, max-age=3600\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok',
    );
    for (let i = 1; i <= 2; i++) {
      const text = await ask('GET /same HTTP/1.1', 'Accept-Encoding: gzip, br\r\n');
      expect(text).not.toMatch(/content-encoding/i);
      expect(text.endsWith('\r\n\r\nok')).toBe(true);
      expect(seen.text.match(/^GET \/same /gm)).toHaveLength(i);
    }
    expect(seen.text).toContain('Accept-Encoding: gzip, br\r\n');
  });

  test('up to 1 MB waits in the router: the dyno may be gone before its client reads', async () => {
    const size = 900_000;
    let gone = false;
    const dyno = await bed.rawDyno((socket) => {
      socket.once('data', () => {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
      });
      socket.on('close', () => (gone = true));
    });
    bed.route([dyno]);
    const client = bed.raw(`GET /slow HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    client.socket.pause();
    await until(() => gone);
    client.socket.resume();
    expect((await client.closed).split('\r\n\r\n')[1]).toHaveLength(size);
    await bed.line(new RegExp(`slow.* status=200 bytes=${size} `));
  });
});

test('the requests of one app in flight are no other app’s', async () => {
  const own = await new Testbed({ backlogPerDyno: 1 }).listen();
  bed.defer(() => own.close());
  let held = false;
  const busy = await own.rawDyno((socket) => socket.on('data', () => (held = true)));
  const calm = await own.dyno((_request, response) => response.end('calm'));
  own.route([busy]);
  own.router.setRoute({ appId: 'other', appName: 'other', state: 'up', backends: [calm] });
  own.raw(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await until(() => held);
  expect((await own.ask('/')).headers['slipway-error']).toBe('H11');
  expect((await own.ask('/', { host: 'other.localhost' })).body).toBe('calm');
});
