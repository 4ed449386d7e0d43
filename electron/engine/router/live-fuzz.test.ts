import { type ClientHttp2Session, connect as connectH2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { Testbed, until } from './testbed.ts';
import { hostileH2, listenTls, type TlsPort } from './testing-h2.ts';

/** How long requests are made; SLIPWAY_FUZZ_SECONDS, for example 600. */
const SECONDS = Number(process.env['SLIPWAY_FUZZ_SECONDS'] ?? 10);
/** The same seed makes the same requests; SLIPWAY_FUZZ_SEED. */
const SEED = Number(process.env['SLIPWAY_FUZZ_SEED'] ?? Date.now() % 1_000_000);
/** Connections at a time. */
const PARALLEL = 20;
/** Streams of HTTP/2 at a time, beside them. */
const STREAMS = 4;
/** What the heap may have grown by after all that, in bytes: that is far below what a request leaves, times their number. */
const HEAP_GROWTH = 16 * 1024 * 1024;

let bed: Testbed;
afterEach(() => bed.close());

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const HOST = 'Host: demo.localhost\r\n';
const REQUESTS = [
  `GET / HTTP/1.1\r\n${HOST}\r\n`,
  `GET /a?b=c HTTP/1.1\r\n${HOST}Connection: close\r\nX-Forwarded-For: 1.2.3.4\r\nVia: 1.0 x\r\n\r\n`,
  `HEAD / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`,
  `POST /p HTTP/1.1\r\n${HOST}Content-Length: 11\r\n\r\nhello world`,
  `PUT /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`,
  `POST /e HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
  `GET /ws HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes`,
  `GET http://demo.localhost/abs HTTP/1.1\r\n${HOST}\r\nGET /second HTTP/1.1\r\n${HOST}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  `GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n`,
];
const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
  'HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: x\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes',
  `HTTP/1.1 200 OK\r\nContent-Length: 70000\r\nKeep-Alive: timeout=5\r\n\r\n${'x'.repeat(70_000)}`,
];
const BYTES = ['\r', '\n', '\0', ' ', '\t', ':', ';', ',', '0', 'f', '\x7f', '\xff', '\r\n', '\r\n\r\n', ''];

/** One of the texts, often with a few bytes replaced, put in or taken away. */
function mutated(texts: readonly string[], below: (n: number) => number): string {
  let text = texts[below(texts.length)] ?? '';
  // A third stays as it is, so that what comes behind is reached, too.
  for (let left = Math.max(0, below(6) - 1); left > 0; left--) {
    const at = below(Math.min(text.length, 400) + 1);
    text = text.slice(0, at) + (BYTES[below(BYTES.length)] ?? '') + text.slice(at + below(3));
  }
  return text;
}

/** Writes in pieces, each in a turn of its own, and then ends, resets or leaves the connection in some way. */
async function say(socket: Socket, text: string, below: (n: number) => number): Promise<void> {
  const pieces = below(3) === 0 ? 2 + below(8) : 1;
  for (let piece = 0, at = 0; piece < pieces && !socket.destroyed; piece++) {
    const end = piece === pieces - 1 ? text.length : at + below(text.length - at + 1);
    socket.write(text.slice(at, end), 'latin1');
    at = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const leave = below(10);
  if (leave === 0) socket.end();
  // Node never closes a socket that is reset while it is being shut down, and resets none of TLS.
  else if (leave === 1 && !socket.writableEnded) {
    if ('encrypted' in socket) socket.destroy();
    else socket.resetAndDestroy();
  }
}

/** A client that says something and goes after its answer, or after a moment. */
async function client(port: number, below: (n: number) => number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => undefined);
  const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
  await say(socket, mutated(REQUESTS, below), below);
  const patience = new Promise<void>((resolve) => setTimeout(resolve, 50 + below(400)));
  await Promise.race([closed, answered, patience]);
  socket.destroy();
  await until(() => socket.closed);
}

const FIELDS = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/raw'],
  [':authority', 'demo.localhost'],
  ['x-own', '1'],
] as const;

/** A request of HTTP/2 that may break off, in either direction, with any code. */
async function h2Client(session: ClientHttp2Session, below: (n: number) => number): Promise<void> {
  const stream = session.request(
    { ':path': '/h2', ':method': below(3) === 0 ? 'HEAD' : 'PUT' },
    { waitForTrailers: true },
  );
  const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()));
  stream.on('error', () => undefined);
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': '1' }));
  if (below(4) > 0) stream.resume();
  if (below(3) > 0) stream.end('x'.repeat(below(100_000)));
  else stream.write('a beginning');
  const patience = new Promise<void>((resolve) => setTimeout(resolve, 50 + below(400)));
  await Promise.race([closed, patience]);
  const code = below(14);
  stream.close(code);
  stream.resume();
  // However it ended, the router holds nothing of it.
  await until(() => stream.destroyed).catch(() => {
    throw new Error(`a stream stays open behind its end with ${code}: ${JSON.stringify(stream.state)}`);
  });
}

/** Waits for what has to come; says what did not, where the test would hang. */
async function within<Result>(what: string, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what} did not come within a minute`));
    }, 60_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A few of them on one connection, and one connection of damaged frames beside it. */
async function h2Clients(tls: TlsPort, below: (n: number) => number): Promise<void> {
  const session = connectH2(`https://demo.localhost:${tls.port}`, { ca: tls.certificate, host: '127.0.0.1' });
  session.on('error', () => undefined);
  const connected = new Promise((resolve) => session.once('connect', resolve).once('close', resolve));
  await within('a connection of HTTP/2', connected);
  const socket = connectTls({
    ...{ host: '127.0.0.1', port: tls.port, ca: tls.certificate },
    ...{ servername: 'demo.localhost', ALPNProtocols: ['h2'] },
  });
  socket.on('error', () => undefined).resume();
  const damaged = mutated([hostileH2(FIELDS, 'body').toString('latin1')], below);
  const secured = new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve));
  await within('a connection of TLS', secured);
  await Promise.all([
    ...Array.from({ length: STREAMS }, () => (session.closed ? undefined : h2Client(session, below))),
    say(socket, damaged, below),
  ]);
  session.destroy();
  socket.destroy();
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test(
  `mutated requests and answers for ${SECONDS} s, seed ${SEED}: the router lives, ends every request and keeps nothing`,
  async () => {
    const below = generator(SEED);
    bed = new Testbed({
      idleMs: 300,
      firstByteMs: 300,
      headMs: 300,
      holdMs: 300,
      clientKeepAliveMs: 300,
      quarantineMs: 1,
    });
    await bed.listen();
    const tls = await listenTls(bed);
    const open = new Set<Socket>();
    const wild = await bed.rawDyno((socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('data', () => void say(socket, mutated(ANSWERS, below), below));
    });
    const tame = await bed.dyno((request, response) => {
      request.resume().on('end', () => response.end('tame'));
    });
    bed.route([wild]);
    const deadline = Date.now() + SECONDS * 1000;
    let asked = 0;
    let streams = 0;
    let heap = 0;
    while (Date.now() < deadline) {
      const clients = Array.from({ length: PARALLEL }, () => client(bed.port, below));
      await Promise.all([...clients, h2Clients(tls, below)]);
      asked += PARALLEL;
      // Whatever it has been through, a request that is right is answered rightly; on a busy machine not always within the deadlines.
      bed.route([tame]);
      await until(async () => (await within('an answer to a right request', bed.ask('/'))).body === 'tame');
      bed.route([wild]);
      streams += bed.lines.filter((line) => line.includes('protocol=http2.0')).length;
      bed.lines.length = 0;
      if (heap === 0 && asked >= 10 * PARALLEL) heap = heapAfterCollection();
    }
    console.log(`${asked} connections, ${streams} requests of HTTP/2, seed ${SEED}`);
    await until(() => bed.router.requestCounts('app-1').inFlight === 0);
    bed.route([]);
    // What is left open would be a connection that the router has forgotten.
    await until(() => open.size === 0).catch(() => undefined);
    expect(
      [...open].map(({ readyState, bytesRead, bytesWritten }) => ({ readyState, bytesRead, bytesWritten })),
    ).toEqual([]);
    expect(asked).toBeGreaterThan(0);
    expect(streams).toBeGreaterThan(0);
    const growth = heap === 0 ? 0 : heapAfterCollection() - heap;
    console.log(`the heap grew by ${Math.round(growth / 1024)} kB`);
    expect(growth).toBeLessThan(HEAP_GROWTH);
  },
  (SECONDS + 60) * 1000,
);
