import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { answerWithoutEnd, pause, until } from './testbed.ts';
import { bed, open } from './testing-bed.ts';

const HEAD = 'Host: demo.localhost\r\n';

describe('a client that sends byte by byte', () => {
  test('has its head answered with 408 at the head’s deadline, however steadily it sends', async () => {
    await open({ headMs: 400 });
    bed.route([await bed.dyno((_request, response) => response.end('ok'))]);
    const client = bed.raw('');
    let closed = false;
    void client.closed.then(() => (closed = true));
    const text = `GET / HTTP/1.1\r\n${HEAD}X-Slow: ${'a'.repeat(1000)}\r\n\r\n`;
    for (let at = 0; at < text.length && !closed; at++) {
      client.socket.write(text.charAt(at));
      await pause(20);
    }
    expect(await client.closed).toMatch(/^HTTP\/1\.1 408 /);
    expect(bed.lines).toEqual([]);
  });

  test('has its body passed on as it comes, and gets H28 once it falls silent', async () => {
    await open({ idleMs: 2_000, firstByteMs: 60_000 });
    let got = '';
    bed.route([
      await bed.dyno((request) => void request.on('data', (chunk: Buffer) => (got += String(chunk)))),
    ]);
    const client = bed.raw(`POST / HTTP/1.1\r\n${HEAD}Content-Length: 100\r\n\r\n`);
    for (const byte of 'slowly') {
      client.socket.write(byte);
      await until(() => got.endsWith(byte));
    }
    expect(got).toBe('slowly');
    expect(await bed.line(/code=H28/)).toMatch(
      /^at=warning code=H28 desc="Client Connection Idle" .* dyno=web\.1 .* status=499 bytes=0 /,
    );
    expect(await client.closed).toBe('');
  });

  test('the same in chunks', async () => {
    await open({ idleMs: 1_000, firstByteMs: 60_000 });
    let got = '';
    bed.route([
      await bed.dyno((request) => void request.on('data', (chunk: Buffer) => (got += String(chunk)))),
    ]);
    const client = bed.raw(`POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    for (const byte of '5\r\nhello\r\n1') client.socket.write(byte);
    await until(() => got === 'hello');
    await bed.line(/code=H28 .* status=499/);
    await client.closed;
  });
});

test('what cannot become a head is refused with its page, whatever the head before it was', async () => {
  await open();
  bed.route([await bed.dyno((_request, response) => response.end('ok'))]);
  const before = bed.raw(`HEAD / HTTP/1.1\r\n${HEAD}Connection: close`);
  await pause(50);
  before.socket.write('\r\n\r\n');
  expect(await before.closed).toMatch(/^HTTP\/1\.1 200 /);
  expect(await bed.raw('H\n').closed).toMatch(/^HTTP\/1\.1 400 [^]*\r\n\r\n./);
});

test('a client that never reads is left after the longest silence, and its dyno is free again', async () => {
  await open({ idleMs: 500 });
  let gone = false;
  bed.route([
    await bed.rawDyno((socket) => {
      answerWithoutEnd(socket);
      socket.on('close', () => (gone = true));
    }),
  ]);
  const client = bed.raw(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  client.socket.pause();
  expect(await bed.line(/code=H28/)).toMatch(/at=warning code=H28 .* status=499 bytes=[1-9]\d* /);
  await until(() => gone);
});

describe('a side that says nothing more', () => {
  test('a client that ends its side in the middle of a request has left: H27, and the dyno hears of it', async () => {
    await open();
    let reached = false;
    let gone = false;
    bed.route([
      await bed.rawDyno((socket) => {
        socket.on('data', () => (reached = true));
        socket.on('close', () => (gone = true));
      }),
    ]);
    const client = bed.raw(`POST / HTTP/1.1\r\n${HEAD}Content-Length: 10\r\n\r\nabc`);
    await until(() => reached);
    client.socket.end();
    await bed.line(/^sock=client at=warning code=H27 desc="Client Request Interrupted" .* status=499 /);
    await until(() => gone);
  });

  test('a client that ends its side between two requests gets nothing and no line', async () => {
    await open();
    bed.route([await bed.dyno((_request, response) => response.end('ok'))]);
    const client = bed.raw(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await until(() => client.received().endsWith('ok'));
    client.socket.end();
    await client.closed;
    await bed.line(/status=200/);
    expect(bed.lines.length).toBe(1);
  });

  test('a dyno that ends its side behind a whole answer is not asked again on that connection', async () => {
    await open();
    const asked: Socket[] = [];
    bed.route([
      await bed.rawDyno((socket) => {
        socket.once('data', () => {
          asked.push(socket);
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
      }),
    ]);
    for (let i = 0; i < 3; i++) expect((await bed.ask('/')).body).toBe('ok');
    expect(new Set(asked).size).toBe(3);
    expect(bed.lines.filter((line) => line.includes('status=200')).length).toBe(3);
  });

  test('a dyno that ends its side where the end is the end of the answer has answered', async () => {
    await open();
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\n\r\nall of it', 'end')]);
    expect((await bed.ask('/')).body).toBe('all of it');
    await bed.line(/^at=info .* status=200 bytes=9 /);
  });

  test('behind an upgrade, the end of one side reaches the other one after all that was said', async () => {
    await open();
    const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    const wish = `GET / HTTP/1.1\r\n${HEAD}Connection: Upgrade\r\nUpgrade: x\r\n\r\n`;
    let heard = '';
    bed.route([
      await bed.rawDyno((socket) => {
        socket.once('data', () => {
          socket.write(upgrade);
          socket.on('data', (chunk) => {
            heard += String(chunk);
            if (heard === 'bye dyno') socket.end('bye client');
          });
        });
      }),
    ]);
    const client = bed.raw(wish);
    await until(() => client.received().endsWith('\r\n\r\n'));
    client.socket.write('bye dyno');
    expect(await client.closed).toMatch(/bye client$/);
    await bed.line(/^at=info .* status=101 /);
  });
});

describe('a reset in the middle of a body', () => {
  test('of the client: H27, and the dyno is cut off', async () => {
    await open();
    let gone = false;
    let got = 0;
    bed.route([
      await bed.rawDyno((socket) => {
        socket.on('data', (chunk) => (got += chunk.length));
        socket.on('close', () => (gone = true));
      }),
    ]);
    const client = bed.raw(`POST / HTTP/1.1\r\n${HEAD}Content-Length: 1000000\r\n\r\n${'x'.repeat(5000)}`);
    await until(() => got > 5000);
    client.socket.resetAndDestroy();
    await bed.line(/^sock=client at=warning code=H27 .* status=499 /);
    await until(() => gone);
  });

  test('of the client while it is answered: H27, and the dyno is cut off', async () => {
    await open();
    let gone = false;
    bed.route([
      await bed.rawDyno((socket) => {
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'));
        socket.on('close', () => (gone = true));
      }),
    ]);
    const client = bed.raw(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await until(() => client.received().endsWith('hello'));
    client.socket.resetAndDestroy();
    await bed.line(/^sock=client at=warning code=H27 .* status=499 bytes=5 /);
    await until(() => gone);
  });

  test.each(['Content-Length: 100\r\n\r\nhello', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'])(
    'of the dyno: H18, and the client sees no end (%j)',
    async (rest) => {
      await open();
      bed.route([await bed.answeringDyno(`HTTP/1.1 200 OK\r\n${rest}`, 'reset')]);
      const client = bed.raw(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
      const [text] = await Promise.all([client.closed, once(client.socket, 'close')]);
      expect(text).not.toMatch(/0\r\n\r\n$/);
      await bed.line(/^sock=backend at=error code=H18 .* status=503 /);
    },
  );
});
