import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect as connectH2, type IncomingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createAuthority } from '../https/certificates.ts';
import { Testbed, until } from './testbed.ts';
import type { KeyPair } from './tls-gate.ts';

let authority: KeyPair;
let folder: string;
let bed: Testbed;
let port = 0;

beforeAll(async () => {
  authority = await createAuthority('test', Date.now());
  folder = await mkdtemp(join(tmpdir(), 'slipway-tls-'));
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => bed.close());

async function open(limits: ConstructorParameters<typeof Testbed>[0] = {}): Promise<void> {
  bed = new Testbed(limits);
  await bed.listen();
  ({ port } = await bed.router.listenTls(0, ['127.0.0.1', '::1'], authority));
}

/** A request of HTTP/1.1. */
function ask(
  path: string,
  options: { host?: string; body?: string } = {},
): Promise<{ status: number; body: string }> {
  const { host = 'demo.localhost', body } = options;
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        ...{ host: '127.0.0.1', port, path, servername: host, ca: authority.certificate, agent: false },
        ...{ method: body === undefined ? 'GET' : 'POST', headers: { host: `${host}:${port}` } },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: text });
        });
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });
}

function session(host = 'demo.localhost'): ClientHttp2Session {
  const opened = connectH2(`https://${host}:${port}`, {
    ...{ ca: authority.certificate, host: '127.0.0.1', servername: host },
  });
  opened.on('error', () => undefined);
  bed.defer(() => {
    opened.destroy();
  });
  return opened;
}

interface H2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Code of the reset, 0 without one. */
  readonly reset: number;
}

/** A request of HTTP/2 on a session. */
function askH2(on: ClientHttp2Session, headers: IncomingHttpHeaders, body?: string): Promise<H2Answer> {
  return new Promise((resolve) => {
    const stream = on.request(headers, { endStream: body === undefined });
    let text = '';
    let got: IncomingHttpHeaders = {};
    stream.on('response', (response) => {
      got = response;
    });
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      resolve({ headers: got, body: text, reset: stream.rstCode ?? 0 });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** The certificate that a client gets which names a host. */
function certificateOf(servername: string | undefined): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca: authority.certificate, rejectUnauthorized: false };
    const socket = connectTls({ ...options, ...(servername === undefined ? {} : { servername }) }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('HTTP/1.1 over TLS', () => {
  test('reaches the same apps, and dynos and log are told of it', async () => {
    await open();
    bed.route([
      await bed.dyno((incoming, response) => {
        const {
          'x-forwarded-proto': proto,
          'x-forwarded-port': at,
          'x-forwarded-for': from,
        } = incoming.headers;
        incoming.on('data', () => undefined);
        incoming.on('end', () => response.end(JSON.stringify([proto, at, from])));
      }),
    ]);
    const answer = await ask('/a', { body: 'x'.repeat(100_000) });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, ['https', String(port), '127.0.0.1']]);
    expect(await bed.line(/path="\/a"/)).toMatch(/ protocol=http1\.1 tls=true tls_version=tls1\.3$/);
    expect((await bed.ask('/b')).body).toContain('"http"');
    expect(await bed.line(/path="\/b"/)).toMatch(/ protocol=http1\.1 tls=false$/);
  });

  test('a large answer comes whole, and its dyno waits for a client that reads slowly', async () => {
    await open();
    const size = 20_000_000;
    bed.route([await bed.dyno((_request, response) => response.end('x'.repeat(size)))]);
    expect((await ask('/')).body).toHaveLength(size);
  });

  test('a WebSocket is carried', async () => {
    await open();
    const sockets = new WebSocketServer({ noServer: true });
    bed.route([
      await bed.dyno(
        (_request, response) => response.end(),
        (server) =>
          void server.on('upgrade', (incoming, socket, head) => {
            sockets.handleUpgrade(incoming, socket, head, (each) => {
              each.on('message', (data: Buffer) => {
                each.send(`${String(incoming.headers['x-forwarded-proto'])}: ${data.toString()}`);
              });
            });
          }),
      ),
    ]);
    const client = new WebSocket(`wss://demo.localhost:${port}/socket`, {
      ...{ ca: authority.certificate, servername: 'demo.localhost' },
      lookup: (_host, options, done) => {
        if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
        else done(null, '127.0.0.1', 4);
      },
    });
    const said = await new Promise<string>((resolve, reject) => {
      client.on('open', () => {
        client.send('hello');
      });
      client.on('message', (data: Buffer) => {
        resolve(data.toString());
      });
      client.on('error', reject);
    });
    client.close();
    expect(said).toBe('https: hello');
    expect(await bed.line(/socket/)).toMatch(/ status=101 .* tls=true /);
  });

  test('an answer that breaks off is no end', async () => {
    await open();
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', 'reset')]);
    await expect(ask('/')).rejects.toThrow();
    await bed.line(/code=H18 .* tls=true /);
  });
});

describe('certificates', () => {
  const namesOf = ({ subjectaltname }: PeerCertificate): string | undefined => subjectaltname;

  test('are made for the host that a client names, as long as it is served here', async () => {
    await open();
    bed.routeWith({ domains: ['www.example.com', '*.eu.example.com'] }, [], 'off');
    expect(namesOf(await certificateOf('demo.localhost'))).toBe('DNS:demo.localhost');
    expect(namesOf(await certificateOf('unknown.localhost'))).toBe('DNS:unknown.localhost');
    expect(namesOf(await certificateOf('WWW.example.com'))).toBe('DNS:www.example.com');
    expect(namesOf(await certificateOf('a.eu.example.com'))).toBe('DNS:a.eu.example.com');
    const nobody = 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1';
    expect(namesOf(await certificateOf('bank.example.org'))).toBe(nobody);
    expect(namesOf(await certificateOf(undefined))).toBe(nobody);
  });

  test('a client that does not know the authority refuses them', async () => {
    await open();
    const refused = new Promise((_resolve, reject) => {
      connectTls({ host: '127.0.0.1', port, servername: 'demo.localhost' }).on('error', reject);
    });
    await expect(refused).rejects.toThrow(/self-signed certificate|unable to (get|verify)/);
  });

  test('HTTPS can be switched off while it serves, and on again', async () => {
    await open();
    bed.route([await bed.dyno((_request, response) => response.end('ok'))]);
    expect((await ask('/')).body).toBe('ok');
    bed.router.closeTls();
    await expect(ask('/')).rejects.toThrow();
    expect((await bed.ask('/')).body).toBe('ok');
    ({ port } = await bed.router.listenTls(0, ['127.0.0.1'], authority));
    expect((await ask('/')).body).toBe('ok');
  });
});

describe('HTTP/2', () => {
  const PATH = { ':path': '/' };

  test('goes to dynos as HTTP/1.1, with everything that was said', async () => {
    await open();
    bed.route([
      await bed.dyno((incoming, response) => {
        let body = '';
        incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
        incoming.on('end', () => {
          response.setHeader('set-cookie', ['a=1', 'b=2']);
          response.setHeader('x-list', ['one', 'two']);
          response.end(JSON.stringify({ ...incoming.headers, body, version: incoming.httpVersion }));
        });
      }),
    ]);
    const on = session();
    const { headers, body } = await askH2(
      on,
      { ':path': '/a?b', ':method': 'POST', cookie: 'x=1; y=2', 'x-own': 'größe', te: 'trailers' },
      'the body',
    );
    const seen = JSON.parse(body) as Record<string, string>;
    expect(seen).toMatchObject({
      ...{ body: 'the body', version: '1.1', host: `demo.localhost:${port}`, cookie: 'x=1; y=2' },
      ...{ 'x-forwarded-proto': 'https', 'x-forwarded-port': String(port), 'x-forwarded-for': '127.0.0.1' },
    });
    expect(seen['te']).toBeUndefined();
    expect(headers).toMatchObject({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-list': 'one, two' });
    expect(headers['connection']).toBeUndefined();
    expect(await bed.line(/a\?b/)).toMatch(
      /^at=info method=POST path="\/a\?b" host=demo\.localhost:\d+ .* status=200 bytes=\d+ protocol=http2\.0 tls=true tls_version=tls1\.3$/,
    );
  });

  test('many requests share a connection', async () => {
    await open();
    bed.route([await bed.dyno((incoming, response) => response.end(incoming.url))]);
    const on = session();
    const paths = Array.from({ length: 300 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => askH2(on, { ':path': path })));
    expect(answers.map(({ body }) => body)).toEqual(paths);
  });

  test('HEAD, 204, 304 and a chunked answer come as they are', async () => {
    await open();
    bed.route([
      await bed.dyno((incoming, response) => {
        if (incoming.url === '/204') response.writeHead(204).end();
        else if (incoming.url === '/304') response.writeHead(304, { etag: '"x"' }).end();
        else if (incoming.url === '/chunked') {
          response.write('one ');
          response.end('two');
        } else response.setHeader('content-length', 4).end('body');
      }),
    ]);
    const on = session();
    const head = await askH2(on, { ':path': '/', ':method': 'HEAD' });
    expect([head.headers[':status'], head.headers['content-length'], head.body]).toEqual([200, '4', '']);
    expect((await askH2(on, { ':path': '/204' })).headers[':status']).toBe(204);
    expect((await askH2(on, { ':path': '/304' })).headers).toMatchObject({ ':status': 304, etag: '"x"' });
    const chunked = await askH2(on, { ':path': '/chunked' });
    expect([chunked.body, chunked.headers['transfer-encoding']]).toEqual(['one two', undefined]);
  });

  test('large bodies go both ways', async () => {
    await open();
    bed.route([await bed.dyno((incoming, response) => incoming.pipe(response))]);
    const body = 'x'.repeat(5_000_000);
    const answer = await askH2(session(), { ':path': '/', ':method': 'PUT' }, body);
    expect(answer.body).toHaveLength(body.length);
    expect(answer.reset).toBe(0);
  });

  test('the router’s pages and codes are the same', async () => {
    await open({ firstByteMs: 200 });
    bed.routeWith({ maintenance: true }, []);
    const on = session();
    const maintenance = await askH2(on, PATH);
    expect(maintenance.headers).toMatchObject({ ':status': 503, 'slipway-error': 'H80' });
    expect(await bed.line(/H80/)).toMatch(/ status=503 bytes= protocol=http2\.0 tls=true /);
    const page = await askH2(session('nobody.localhost'), PATH);
    expect(page.headers[':status']).toBe(404);
    bed.route([await bed.dyno((incoming) => void incoming.resume())]);
    expect((await askH2(on, PATH)).headers).toMatchObject({ ':status': 503, 'slipway-error': 'H12' });
    expect((await askH2(on, { ':path': '/a#b' })).headers[':status']).toBe(400);
    expect((await askH2(on, { ...PATH, expect: 'tea' })).headers[':status']).toBe(417);
  });

  test('a break is a break on either side', async () => {
    await open();
    bed.route([await bed.answeringDyno('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', 'reset')]);
    expect((await askH2(session(), PATH)).reset).toBe(2);
    await bed.line(/code=H18 .* protocol=http2\.0 /);
    bed.route([
      await bed.answeringDyno('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'end'),
    ]);
    const cut = await askH2(session(), PATH);
    expect([cut.headers[':status'], cut.reset]).toEqual([200, 2]);
    let gone = false;
    bed.route([
      await bed.dyno((_request, response) => {
        response.on('close', () => (gone = true));
        response.write('begin');
      }),
    ]);
    const stream = session().request({ ':path': '/left' });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.on('data', resolve));
    stream.close(8);
    expect(await bed.line(/left/)).toMatch(
      /^sock=client at=warning code=H27 .* status=499 bytes=5 protocol=http2\.0/,
    );
    await until(() => gone);
  });
});

test('curl, told of the authority, gets a page by HTTP/2 and by HTTP/1.1', async () => {
  await open();
  bed.routeWith({ domains: ['www.example.com'] }, [
    await bed.dyno((_request, response) => response.end('page')),
  ]);
  const run = promisify(execFile);
  for (const [host, version, wanted] of [
    ['demo.localhost', '--http2', '2'],
    ['demo.localhost', '--http1.1', '1.1'],
    ['www.example.com', '--http2', '2'],
  ] as const) {
    const { stdout } = await run('curl', [
      ...['-sS', '--noproxy', '*', version, '--cacert', join(folder, 'ca.pem')],
      ...['--resolve', `${host}:${port}:127.0.0.1`, '-w', ' %{http_version} %{response_code}'],
      `https://${host}:${port}/`,
    ]);
    expect(stdout).toBe(`page ${wanted} 200`);
  }
});
