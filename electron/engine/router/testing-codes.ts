import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { FailureKey } from './failures.ts';
import type { RouterLimits } from './limits.ts';
import { deadBackend, type Testbed, until } from './testbed.ts';
import { askH2, type H2Answer, listenTls, openSession } from './testing-h2.ts';
import { startRouterProcess } from './testing-process.ts';

/** One way in which a request can fail. */
export interface CodeCase {
  readonly limits?: Partial<RouterLimits>;
  /** Makes it happen; answers what the client got, up to the end of its connection. */
  provoke(bed: Testbed): Promise<string>;
  /**
   * The line. `D` stands for `dyno=web.1` with times, `-` for a request that no dyno had; request id and times are left out,
   * `PAGE` is the length of the page that the client got.
   */
  readonly line: string;
  /** Status line and title of the page, or how much of the dyno's answer the client got where no page was possible. */
  readonly got: readonly [status: string, title: string] | RegExp;
}

const HOST = 'Host: demo.localhost\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable';
const APPLICATION_ERROR = [UNAVAILABLE, 'Application error'] as const;
const BAD_GATEWAY = ['HTTP/1.1 502 Bad Gateway', 'Application error'] as const;
const BAD_REQUEST = ['HTTP/1.1 400 Bad Request', 'Bad request'] as const;

/** A request to an app in a state without dynos. */
const inState =
  (state: 'blank' | 'off' | 'crashed' | 'starting') =>
  (bed: Testbed): Promise<string> => {
    bed.route([], state);
    return bed.raw(GET).closed;
  };

/** A request to a dyno that answers with a text and does no more. */
const answered = (text: string, then: 'keep' | 'end' | 'reset' = 'keep') =>
  async function provoke(bed: Testbed): Promise<string> {
    bed.route([await bed.answeringDyno(text, then)]);
    return bed.raw(GET).closed;
  };

/** A dyno that reads and says nothing. */
const mute = (bed: Testbed) => bed.rawDyno((socket) => socket.resume());

/** What came on a connection of TLS for one host and a request for another one. */
async function overTls(bed: Testbed, servername: string, text: string): Promise<string> {
  const { port, certificate } = await listenTls(bed);
  const socket = connectTls({ host: '127.0.0.1', port, servername, ca: certificate });
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.write(text);
  await once(socket, 'close');
  return received;
}

/** An answer of HTTP/2, in the form of HTTP/1.1. */
function asText({ headers, body }: H2Answer): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return `HTTP/2 ${String(headers[':status'])}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Connections that say nothing until the router takes no more. */
async function fillUp(bed: Testbed, port: number): Promise<Socket[]> {
  const taken: Socket[] = [];
  for (let refused = false; !refused; ) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    bed.defer(() => void socket.destroy());
    await once(socket, 'connect');
    // One that has no place is closed at once, and that is seen by the next one at the latest.
    socket.on('close', () => (refused = true)).resume();
    taken.push(socket);
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (taken.length > 1000) throw new Error('the router takes a thousand connections with few descriptors');
  }
  return taken.filter(({ destroyed }) => !destroyed);
}

const H25 = (text: string, cause: string): CodeCase => ({
  provoke: answered(text),
  line: `at=error code=H25 desc="HTTP restriction: ${cause}" D status=502 bytes=PAGE`,
  got: BAD_GATEWAY,
});

/** Each way in which a request can fail; a code that has none does not compile. */
export const CODE_CASES: { readonly [Key in FailureKey]: CodeCase } = {
  H10: {
    provoke: inState('crashed'),
    line: 'at=error code=H10 desc="App crashed" - status=503 bytes=',
    got: APPLICATION_ERROR,
  },
  H11: {
    limits: { backlogPerDyno: 1 },
    async provoke(bed) {
      let held = false;
      bed.route([await bed.rawDyno((socket) => socket.on('data', () => (held = true)))]);
      bed.raw(GET);
      await until(() => held);
      return bed.raw(GET).closed;
    },
    line: 'at=error code=H11 desc="Backlog too deep" - status=503 bytes=',
    got: [UNAVAILABLE, 'Too many requests'],
  },
  H12: {
    limits: { firstByteMs: 100 },
    async provoke(bed) {
      bed.route([await mute(bed)]);
      return bed.raw(GET).closed;
    },
    line: 'at=error code=H12 desc="Request timeout" D status=503 bytes=0',
    got: [UNAVAILABLE, 'Request timeout'],
  },
  H13: {
    async provoke(bed) {
      bed.route([await bed.rawDyno((socket) => socket.once('data', () => socket.end()))]);
      return bed.raw(GET).closed;
    },
    line: 'at=error code=H13 desc="Connection closed without response" D status=503 bytes=0',
    got: APPLICATION_ERROR,
  },
  H14: {
    provoke: inState('off'),
    line: 'at=error code=H14 desc="No web processes running" - status=503 bytes=',
    got: [UNAVAILABLE, 'No web dyno is running'],
  },
  H15: {
    limits: { idleMs: 100 },
    provoke: answered('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello'),
    line: 'at=error code=H15 desc="Idle connection" D status=503 bytes=5',
    got: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/,
  },
  H17: {
    provoke: answered('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n'),
    line: 'at=error code=H17 desc="Poorly formatted HTTP response" D status=503 bytes=PAGE',
    got: APPLICATION_ERROR,
  },
  H18: {
    provoke: answered('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello', 'reset'),
    line: 'sock=backend at=error code=H18 desc="Server Request Interrupted" D status=503 bytes=5',
    got: /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/,
  },
  H19: {
    limits: { connectMs: 100 },
    async provoke(bed) {
      bed.route([await bed.silentDyno()]);
      return bed.raw(GET).closed;
    },
    line: 'at=error code=H19 desc="Backend connection timeout" dyno=web.1 connect=Nms service= status=503 bytes=',
    got: APPLICATION_ERROR,
  },
  H20: {
    limits: { holdMs: 100 },
    provoke: inState('starting'),
    line: 'at=error code=H20 desc="App boot timeout" - status=503 bytes=',
    got: [UNAVAILABLE, 'The app is still starting'],
  },
  H21: {
    async provoke(bed) {
      bed.route([await deadBackend()]);
      return bed.raw(GET).closed;
    },
    line: 'at=error code=H21 desc="Backend connection refused" dyno=web.9 connect=Nms service= status=503 bytes=',
    got: APPLICATION_ERROR,
  },
  H22: {
    limits: { clientConnections: 2 },
    async provoke(bed) {
      bed.route([await bed.dyno((_request, response) => response.end('served'))]);
      const clients = [1, 2].map(() => bed.raw(`GET /taken HTTP/1.1\r\n${HOST}\r\n`));
      for (const { received } of clients) await until(() => received().includes('served'));
      return bed.raw(`GET / HTTP/1.1\r\n${HOST}\r\n`).closed;
    },
    line: 'at=error code=H22 desc="Connection limit reached" - status=503 bytes=',
    got: [UNAVAILABLE, 'Too many connections'],
  },
  H24: {
    async provoke(bed) {
      let reached = false;
      bed.route([await bed.rawDyno((socket) => socket.on('data', () => (reached = true)))]);
      const { closed } = bed.raw(GET);
      await until(() => reached);
      await bed.router.close();
      return closed;
    },
    line: 'at=error code=H24 desc="Forced close" D status= bytes=0',
    got: /^$/,
  },
  H25_length: H25(
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'invalid content length',
  ),
  H25_cookie: H25(
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: ${'c'.repeat(8193)}\r\n\r\n`,
    'oversized cookie',
  ),
  H25_header: H25(
    `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ${'x'.repeat(512 * 1024)}\r\n\r\n`,
    'oversized header',
  ),
  H25_line: H25(`HTTP/1.1 200 ${'O'.repeat(8180)}\r\nContent-Length: 0\r\n\r\n`, 'oversized status line'),
  H26_expect: {
    provoke(bed) {
      bed.route([], 'starting');
      return bed.raw(`GET / HTTP/1.1\r\n${HOST}Expect: tea\r\nConnection: close\r\n\r\n`).closed;
    },
    line: 'at=error code=H26 desc="Request Error" cause="unsupported expect header value" - status=417 bytes=',
    got: ['HTTP/1.1 417 Expectation Failed', 'Bad request'],
  },
  H26_header: {
    provoke(bed) {
      bed.route([], 'starting');
      return bed.raw(`GET / HTTP/1.1\r\n${HOST}broken\r\n\r\n`).closed;
    },
    line: 'at=error code=H26 desc="Request Error" cause="bad header" - status=400 bytes=',
    got: BAD_REQUEST,
  },
  H26_chunk: {
    async provoke(bed) {
      let got = '';
      bed.route([
        await bed.rawDyno((socket) => socket.on('data', (data) => (got += data.toString('latin1')))),
      ]);
      const client = bed.raw(`GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`);
      await until(() => got.endsWith('1\r\na\r\n'));
      client.socket.write('x\r\n');
      return client.closed;
    },
    line: 'at=error code=H26 desc="Request Error" cause="bad chunk" D status=400 bytes=PAGE',
    got: BAD_REQUEST,
  },
  H27: {
    async provoke(bed) {
      let reached = false;
      bed.route([await bed.rawDyno((socket) => socket.on('data', () => (reached = true)))]);
      const client = bed.raw(GET);
      await until(() => reached);
      client.socket.destroy();
      return client.closed;
    },
    line: 'sock=client at=warning code=H27 desc="Client Request Interrupted" D status=499 bytes=0',
    got: /^$/,
  },
  H28: {
    limits: { idleMs: 100 },
    async provoke(bed) {
      bed.route([await mute(bed)]);
      return bed.raw(`GET / HTTP/1.1\r\n${HOST}Content-Length: 50\r\n\r\nnot all of it`).closed;
    },
    line: 'at=warning code=H28 desc="Client Connection Idle" D status=499 bytes=0',
    got: /^$/,
  },
  H31: {
    async provoke(bed) {
      bed.route([], 'starting');
      const session = openSession(bed, await listenTls(bed), 'else.localhost');
      const answer = await askH2(session, { ':authority': 'demo.localhost', 'user-agent': 'a "tester"' });
      return asText(answer);
    },
    line:
      'at=error code=H31 desc="Misdirected Request" - status=421 bytes= ' +
      'protocol=http2.0 tls=true tls_version=tls1.3 agent="a \\"tester\\""',
    got: ['HTTP/2 421', 'Another host’s connection'],
  },
  H32: {
    provoke(bed) {
      bed.route([], 'starting');
      return overTls(bed, 'else.localhost', GET);
    },
    line:
      'at=error code=H32 desc="TLS Certificate Mismatch" - status=495 bytes= ' +
      'protocol=http1.1 tls=true tls_version=tls1.3',
    got: ['HTTP/1.1 495 Certificate Error', 'Another host’s connection'],
  },
  H33: {
    async provoke(bed) {
      let reached = false;
      bed.route([await bed.rawDyno((socket) => socket.on('data', () => (reached = true)))]);
      const stream = openSession(bed, await listenTls(bed)).request({ ':authority': 'demo.localhost' });
      stream.on('error', () => undefined);
      await until(() => reached);
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
      return '';
    },
    line:
      'at=error code=H33 desc="HTTP/2 Stream Broken" D status=499 bytes=0 ' +
      'protocol=http2.0 tls=true tls_version=tls1.3',
    got: /^$/,
  },
  H34: {
    limits: { quarantineMs: 60_000, holdMs: 100 },
    async provoke(bed) {
      bed.route([await deadBackend()]);
      await bed.raw(`GET /first HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`).closed;
      return bed.raw(GET).closed;
    },
    line: 'at=error code=H34 desc="All up dynos are quarantined" - status=503 bytes=',
    got: APPLICATION_ERROR,
  },
  H80: {
    provoke(bed) {
      bed.routeWith({ maintenance: true }, []);
      return bed.raw(GET).closed;
    },
    line: 'at=info code=H80 desc="Maintenance mode" - status=503 bytes=',
    got: [UNAVAILABLE, 'Offline for maintenance'],
  },
  H81: {
    provoke: inState('blank'),
    line: 'at=info code=H81 desc="Blank app" - status=502 bytes=',
    got: ['HTTP/1.1 502 Bad Gateway', 'Nothing here yet'],
  },
  H99: {
    async provoke(bed) {
      const { address } = await mute(bed);
      const router = await startRouterProcess(address.port, 60);
      bed.defer(() => {
        router.end();
      });
      const [client] = await fillUp(bed, router.port);
      let received = '';
      client?.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      client?.write(GET);
      if (client !== undefined) await once(client, 'close');
      await until(() => router.lines.length > 0);
      bed.lines.push(...router.lines);
      return received;
    },
    line: 'at=error code=H99 desc="Platform error" - status=503 bytes=',
    got: [UNAVAILABLE, 'No room for a connection'],
  },
};
