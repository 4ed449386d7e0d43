import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { startRouterProcess } from './testing-process.ts';

/** Bytes in each direction; SLIPWAY_TEST_VOLUME in megabytes. */
const VOLUME = Number(process.env['SLIPWAY_TEST_VOLUME'] ?? 1024) * 1024 * 1024;
const WARM_UP = 30 * 1024 * 1024;
/**
 * What a router may need more for the whole volume than it has had for the beginning: what lies about until the collector comes, which is
 * 50 to 60 MB for 1 GB as for 4 GB.
 */
const GROWTH = 80 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'x');

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of closers.splice(0)) await run();
});

function* pieces(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length)
    yield PIECE.subarray(0, Math.min(left, PIECE.length));
}

/** Counts, and takes its time now and then, so that what is slower has to hold back what is quicker. */
function counter(): Writable & { bytes: number } {
  const sink = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        const before = Math.floor(sink.bytes / (4 * 1024 * 1024));
        sink.bytes += chunk.length;
        if (Math.floor(sink.bytes / (4 * 1024 * 1024)) === before) done();
        else setTimeout(done, 2);
      },
    }),
    { bytes: 0 },
  );
  return sink;
}

async function send(port: number, path: string, bytes: number): Promise<string> {
  const sent = request({
    port,
    host: '127.0.0.1',
    path,
    method: 'POST',
    headers: { host: 'demo.localhost' },
  });
  const answered = once(sent, 'response') as Promise<[NodeJS.ReadableStream]>;
  await pipeline(Readable.from(pieces(bytes)), sent);
  const [answer] = await answered;
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  return text;
}

async function fetchBytes(port: number, bytes: number): Promise<number> {
  const sent = request({
    port,
    host: '127.0.0.1',
    path: `/${bytes}`,
    headers: { host: 'demo.localhost' },
  }).end();
  const [answer] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
  const sink = counter();
  await pipeline(answer, sink);
  return sink.bytes;
}

test(`${VOLUME / 1024 / 1024} MB up and down leave the router’s memory as it was`, async () => {
  const dyno = createServer((incoming, response) => {
    const run = async (): Promise<void> => {
      if (incoming.method === 'POST') {
        const sink = counter();
        await pipeline(incoming, sink);
        response.end(String(sink.bytes));
      } else await pipeline(Readable.from(pieces(Number(incoming.url?.slice(1)))), response);
    };
    run().catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  closers.push(() => {
    dyno.closeAllConnections();
    dyno.close();
  });
  await once(dyno, 'listening');
  const router = await startRouterProcess((dyno.address() as AddressInfo).port);
  closers.push(() => {
    router.end();
  });
  const { port } = router;
  expect(await send(port, '/', WARM_UP)).toBe(String(WARM_UP));
  expect(await fetchBytes(port, WARM_UP)).toBe(WARM_UP);
  const before = await router.peak();
  expect(await send(port, '/', VOLUME)).toBe(String(VOLUME));
  expect(await fetchBytes(port, VOLUME)).toBe(VOLUME);
  const growth = (await router.peak()) - before;
  console.log(`the router’s memory grew by ${(growth / 1024 / 1024).toFixed(1)} MB`);
  expect(growth).toBeLessThan(GROWTH);
});
