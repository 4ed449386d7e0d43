import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { pause, until } from './testbed.ts';
import { bed, open } from './testing-bed.ts';

const digest = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

test.each(['length', 'chunked'])('a large body waits at the client while no dyno is up: %s', async (kind) => {
  await open();
  bed.route([], 'starting');
  const body = randomBytes(5_000_000);
  const asked = bed.ask('/', {
    method: 'POST',
    body,
    headers: kind === 'length' ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' },
  });
  await until(() => bed.router.requestCounts('app-1').inFlight === 1);
  await pause(200);
  bed.route([
    await bed.dyno((incoming, response) => {
      const hash = createHash('sha256');
      incoming.on('data', (data: Buffer) => hash.update(data));
      incoming.on('end', () => response.end(hash.digest('hex')));
    }),
  ]);
  expect((await asked).body).toBe(digest(body));
});

test('a PUT goes out whole a second time when the connection had been closed', async () => {
  await open();
  const bodies: string[] = [];
  let connections = 0;
  bed.route([
    await bed.rawDyno((socket) => {
      connections++;
      let text = '';
      let requests = 0;
      socket.on('data', (data) => {
        text += data.toString('latin1');
        const [head = '', body = ''] = text.split('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (body.length < length) return;
        if (++requests > 1) {
          socket.resetAndDestroy();
          return;
        }
        bodies.push(body);
        text = '';
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    }),
  ]);
  for (const letter of ['a', 'b', 'c']) {
    const body = letter.repeat(40_000);
    expect((await bed.ask('/', { method: 'PUT', body })).status).toBe(200);
  }
  expect(bodies.map((body) => body.slice(0, 1) + body.length)).toEqual(['a40000', 'b40000', 'c40000']);
  expect(connections).toBe(3);
});

test('a dyno that does not read stops the client from sending', async () => {
  await open({ idleMs: 3_000 });
  bed.route([await bed.rawDyno((socket) => socket.pause())]);
  const client = bed.raw('POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 500000000\r\n\r\n');
  const piece = Buffer.alloc(1024 * 1024);
  let sent = 0;
  while (sent < 200 && !client.socket.destroyed) {
    sent++;
    if (client.socket.write(piece)) continue;
    const drained = new Promise((resolve) => client.socket.once('drain', resolve));
    if ((await Promise.race([drained, pause(1_000).then(() => 'stuck')])) === 'stuck') break;
  }
  expect(sent).toBeLessThan(50);
  await bed.line(/code=H15/);
});

test('an answer that comes before the body is whole; the rest of the body is dropped and the connection goes on', async () => {
  await open();
  bed.route([await bed.answeringDyno('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')]);
  const client = bed.raw('POST /large HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 300000\r\n\r\nabc');
  await until(() => client.received().endsWith('\r\n\r\nno'));
  client.socket.write(`${'x'.repeat(299_997)}GET /next HTTP/1.1\r\nHost: demo.localhost\r\n\r\n`);
  expect(await bed.line(/next/)).toContain('status=413');
});

test('what a client says before the dyno has agreed to an upgrade is not lost', async () => {
  await open();
  bed.route([
    await bed.rawDyno((socket) => {
      let text = '';
      let upgraded = false;
      socket.on('data', (data) => {
        text += data.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!upgraded) {
          upgraded = true;
          setTimeout(() => {
            socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n');
          }, 50);
        }
        if (text.endsWith('early')) socket.write('heard early');
      });
    }),
  ]);
  const client = bed.raw(
    'GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\nearly',
  );
  await until(() => client.received().endsWith('heard early'));
  client.socket.end();
  expect(await bed.line(/status=101/)).toMatch(/^at=info .* bytes=11 /);
});
