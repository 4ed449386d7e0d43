import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createAuthority } from '../https/certificates.ts';
import { type Testbed, until } from './testbed.ts';

/** The router's port for HTTPS. */
export interface TlsPort {
  readonly port: number;
  /** Certificate of the authority that signs for it. */
  readonly certificate: string;
}

/** Has the router of a bed serve HTTPS as well. */
export async function listenTls(bed: Testbed): Promise<TlsPort> {
  const authority = await createAuthority('test', Date.now());
  const { port } = await bed.router.listenTls(0, ['127.0.0.1', '::1'], authority);
  return { port, certificate: authority.certificate };
}

/** A connection of HTTP/2 that names a host; ended with the bed. */
export function openSession(
  bed: Testbed,
  { port, certificate }: TlsPort,
  host = 'demo.localhost',
): ClientHttp2Session {
  const session = connect(`https://${host}:${port}`, {
    ...{ ca: certificate, host: '127.0.0.1', servername: host },
  });
  session.on('error', () => undefined);
  bed.defer(() => {
    session.destroy();
  });
  return session;
}

/** An answer of HTTP/2. */
export interface H2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  /** Interim answers. */
  readonly interim: readonly IncomingHttpHeaders[];
  /** Code of the reset, 0 without one. */
  readonly reset: number;
}

/** A request of HTTP/2 on a session; `trailers` come behind the body. */
export function askH2(
  on: ClientHttp2Session,
  headers: IncomingHttpHeaders,
  body?: string,
  trailers?: Record<string, string>,
): Promise<H2Answer> {
  return new Promise((resolve) => {
    const stream = on.request(headers, {
      endStream: body === undefined,
      waitForTrailers: trailers !== undefined,
    });
    const interim: IncomingHttpHeaders[] = [];
    let text = '';
    let got: IncomingHttpHeaders = {};
    let behind: IncomingHttpHeaders = {};
    stream.on('headers', (each) => interim.push(each));
    stream.on('response', (response) => {
      got = response;
    });
    stream.on('trailers', (each: IncomingHttpHeaders) => {
      behind = each;
    });
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      resolve({ headers: got, body: text, trailers: behind, interim, reset: stream.rstCode ?? 0 });
    });
    if (body !== undefined) stream.end(body);
  });
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Text of HPACK, as it is (RFC 7541, 5.2). */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length > 126) throw new Error('longer texts are told in another way');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** What a client says that keeps no rule of HTTP/2 but those of its frames: one request, and a body where there is one. */
export function hostileH2(fields: readonly (readonly [string, string])[], body?: string): Buffer {
  const block = fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]);
  const flags = END_HEADERS | (body === undefined ? END_STREAM : 0);
  return Buffer.concat([
    Buffer.from(PREFACE),
    frame(SETTINGS, 0, 0, Buffer.alloc(0)),
    frame(HEADERS, flags, 1, Buffer.concat(block)),
    ...(body === undefined ? [] : [frame(DATA, END_STREAM, 1, Buffer.from(body))]),
  ]);
}

/** A connection of TLS for HTTP/2 without anything said on it. */
export async function rawH2(bed: Testbed, { port, certificate }: TlsPort): Promise<TLSSocket> {
  const socket = connectTls({
    ...{ host: '127.0.0.1', port, ca: certificate, servername: 'demo.localhost', ALPNProtocols: ['h2'] },
  });
  socket.on('error', () => undefined);
  bed.defer(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** What the router says on a raw connection about stream 1: the code of its reset, or that there are headers. */
export async function statusOrReset(socket: TLSSocket): Promise<string> {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  let found = '';
  await until(() => {
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      const type = bytes[at + 3];
      if (type === 1) found = 'headers';
      else if (type === 3 || type === 7)
        found = `${type === 3 ? 'reset' : 'goaway'} ${bytes.readUInt32BE(at + 9 + (type === 7 ? 4 : 0))}`;
      if (found !== '') return true;
    }
    return socket.destroyed;
  });
  return found;
}
