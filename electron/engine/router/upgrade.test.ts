import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { pause, until } from './testbed.ts';
import { bed, open } from './testing-bed.ts';

test('WebSockets: text and binary both ways, and the line at the end', async () => {
  await open();
  let server: Server | undefined;
  const dyno = await bed.dyno(
    (_request, response) => response.end(),
    (it) => {
      server = it;
    },
  );
  const sockets = new WebSocketServer({ noServer: true });
  server?.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.handleUpgrade(incoming, socket, head, (client) => {
      client.on('message', (data, binary) => client.send(data as Buffer, { binary }));
    });
  });
  bed.route([dyno]);
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/chat`, { headers: { host: 'demo.localhost' } });
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
  const echo = (data: string | Buffer): Promise<Buffer> =>
    new Promise((resolve) => {
      client.once('message', (answer) => {
        resolve(answer as Buffer);
      });
      client.send(data);
    });
  expect((await echo('hé')).toString()).toBe('hé');
  const large = randomBytes(3_000_000);
  expect((await echo(large)).equals(large)).toBe(true);
  expect(bed.router.requestCounts('app-1').inFlight).toBe(1);
  client.close();
  expect(await bed.line(/chat/)).toMatch(
    /^at=info method=GET path="\/chat" .* dyno=web\.1 .* status=101 bytes=\d{7} /,
  );
});

test('an upgraded connection that is silent ends with H15; one that talks lives on', async () => {
  await open({ idleMs: 1000 });
  bed.route([await bed.upgradingDyno('hello')]);
  const client = bed.raw(
    'GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n',
  );
  await until(() => client.received().endsWith('hello'));
  for (let i = 0; i < 6; i++) {
    await pause(250);
    client.socket.write(`<${i}>`);
    await until(() => client.received().endsWith(`<${i}>`));
  }
  expect(client.socket.destroyed).toBe(false);
  await client.closed;
  await bed.line(/code=H15 desc="Idle connection" .* status=503 /);
});

test('a dyno that does not upgrade answers as usual', async () => {
  await open();
  bed.route([
    await bed.dyno((incoming, response) => {
      response.write('plain ');
      response.end(incoming.headers.upgrade);
    }),
  ]);
  const client = bed.raw(
    'GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n',
  );
  const text = await client.closed;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).toMatch(/\r\nConnection: close\r\n/);
  expect(text.endsWith('\r\n\r\nplain h2c')).toBe(true);
  await bed.line(/status=200 bytes=9 /);
  bed.route([], 'off');
  const off = bed.raw(
    'GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  expect(await off.closed).toMatch(/^HTTP\/1\.1 503 [\s\S]*<\/html>\n$/);
});
