import { createHash, randomBytes } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { pause, until } from './testbed.ts';
import { bed, open } from './testing-bed.ts';

test('50 MB up and down arrive whole, with length and chunked', async () => {
  await open();
  const piece = randomBytes(1024 * 1024);
  const whole = createHash('sha256');
  for (let i = 0; i < 50; i++) whole.update(piece);
  const expected = whole.digest('hex');
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let i = 0; i < 50; i++) yield await Promise.resolve(piece);
  };
  bed.route([
    await bed.dyno((incoming, response) => {
      const hash = createHash('sha256');
      incoming.on('data', (data: Buffer) => hash.update(data));
      incoming.on('end', () => {
        response.setHeader(
          'x-up',
          `${hash.digest('hex')} ${incoming.headers['transfer-encoding'] ?? 'length'}`,
        );
        if (incoming.url === '/length') response.setHeader('content-length', 50 * 1024 * 1024);
        void pipeline(Readable.from(pieces()), response);
      });
    }),
  ]);
  for (const kind of ['length', 'chunked'] as const) {
    const headers =
      kind === 'length' ? { 'content-length': 50 * 1024 * 1024 } : { 'transfer-encoding': 'chunked' };
    const down = createHash('sha256');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: bed.port,
          method: 'POST',
          path: `/${kind}`,
          headers: { host: 'demo.localhost', ...headers },
        },
        resolve,
      );
      sent.on('error', reject);
      void pipeline(Readable.from(pieces()), sent);
    });
    for await (const data of answer) down.update(data as Buffer);
    expect(answer.headers['x-up']).toBe(`${expected} ${kind}`);
    expect(answer.headers['transfer-encoding'] ?? 'length').toBe(kind);
    expect(down.digest('hex')).toBe(expected);
    await bed.line(new RegExp(`path="/${kind}" .* status=200 bytes=${50 * 1024 * 1024} `));
  }
});

test('a client that does not read stops the dyno from sending', async () => {
  await open();
  let sent = 0;
  bed.route([
    await bed.dyno((_request, response) => {
      const more = (): void => {
        while (sent < 200 * 1024 * 1024) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    }),
  ]);
  const client = bed.raw('GET / HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await until(() => client.received().length > 0);
  client.socket.pause();
  let last = -1;
  while (last !== sent) {
    last = sent;
    await pause(300);
  }
  expect(sent).toBeLessThan(50 * 1024 * 1024);
});

test('server-sent events come one by one', async () => {
  await open();
  let send: (text: string) => void = () => undefined;
  bed.route([
    await bed.dyno((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      send = (text) => response.write(`data: ${text}\n\n`);
    }),
  ]);
  const client = bed.raw('GET / HTTP/1.1\r\nHost: demo.localhost\r\n\r\n');
  await until(() => client.received().includes('text/event-stream'));
  for (const word of ['one', 'two', 'three']) {
    send(word);
    await until(() => client.received().includes(`data: ${word}\n\n`));
  }
});

test('both directions at once: the answer begins before the request ends', async () => {
  await open();
  bed.route([await bed.dyno((incoming, response) => void incoming.pipe(response))]);
  const client = bed.raw(
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n',
  );
  await until(() => client.received().includes('first'));
  client.socket.write('6\r\nsecond\r\n0\r\n\r\n');
  await until(() => client.received().endsWith('6\r\nsecond\r\n0\r\n\r\n'));
});

test('trailers pass in both directions', async () => {
  await open();
  bed.route([
    await bed.dyno((incoming, response) => {
      response.writeHead(200, { trailer: 'X-Back', 'transfer-encoding': 'chunked' });
      incoming.resume().on('end', () => {
        response.addTrailers({ 'X-Back': `got ${incoming.trailers['x-sum']}` });
        response.end('body');
      });
    }),
  ]);
  const client = bed.raw(
    'POST / HTTP/1.1\r\nHost: demo.localhost\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 42\r\n\r\n',
  );
  await until(() => client.received().includes('X-Back: got 42\r\n\r\n'));
});

test('requests reach all three dynos, at random', async () => {
  await open();
  const counts = [0, 0, 0];
  bed.route(
    await Promise.all(
      counts.map((_, index) =>
        bed.dyno((_request, response) => {
          counts[index] = (counts[index] ?? 0) + 1;
          response.end();
        }),
      ),
    ),
  );
  const agent = new Agent({ keepAlive: true });
  bed.defer(() => agent.destroy());
  for (let i = 0; i < 300; i++) {
    await new Promise<void>((resolve, reject) => {
      request({ host: '127.0.0.1', port: bed.port, agent, headers: { host: 'demo.localhost' } }, (answer) => {
        answer.resume().on('end', resolve);
      })
        .on('error', reject)
        .end();
    });
  }
  expect(counts.reduce((sum, count) => sum + count)).toBe(300);
  for (const count of counts) expect(count).toBeGreaterThan(50);
});
