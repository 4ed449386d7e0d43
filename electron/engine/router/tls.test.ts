import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createAuthority } from '../https/certificates.ts';
import { bed, open as openBed } from './testing-bed.ts';
import type { KeyPair } from './tls-gate.ts';

let authority: KeyPair;
let folder: string;
let port = 0;

beforeAll(async () => {
  authority = await createAuthority('test', Date.now());
  folder = await mkdtemp(join(tmpdir(), 'slipway-tls-'));
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
});
afterAll(() => rm(folder, { recursive: true }));

async function open(): Promise<void> {
  await openBed();
  ({ port } = await bed.router.listenTls(0, ['127.0.0.1', '::1'], authority));
}

/** A request of HTTP/1.1. */
function ask(
  path: string,
  options: { host?: string; body?: string; servername?: string } = {},
): Promise<{ status: number; body: string }> {
  const { host = 'demo.localhost', body, servername = host } = options;
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        ...{ host: '127.0.0.1', port, path, servername, ca: authority.certificate, agent: false },
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

  test('H32 is for a host that the client did not name when it began, whatever app that is; who named none gets any', async () => {
    await open();
    bed.routeWith({ domains: ['www.example.com'] }, [
      await bed.dyno((_request, response) => response.end('ok')),
    ]);
    expect((await ask('/', { host: 'www.example.com' })).body).toBe('ok');
    expect((await ask('/', { servername: 'www.example.com' })).status).toBe(495);
    expect((await ask('/', { servername: 'DEMO.localhost' })).body).toBe('ok');
    expect((await ask('/', { servername: '' })).body).toBe('ok');
    // What is no app is none on any connection.
    expect((await ask('/', { host: 'nobody.localhost', servername: 'demo.localhost' })).status).toBe(404);
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
