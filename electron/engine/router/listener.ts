import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { REQUEST_HEAD_MAX, type RouterLimits } from './limits.ts';

/** What a listener hands on. */
export interface ListenerHandlers {
  request(
    request: IncomingMessage,
    response: ServerResponse,
    expect: 'nothing' | 'continue' | 'unknown',
  ): void;
  /** The socket is the handler's from here on. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The parser refused what a client sent. True when the handler answers. */
  broken(socket: Duplex, errorCode: string): boolean;
}

/** A port could not be had. `code` is the system's: `EADDRINUSE`, `EACCES` and others. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;
  readonly port: number;

  constructor(code: string, host: string, port: number, cause: unknown) {
    super(`port ${port} on ${host} cannot be used (${code})`, { cause });
    this.code = code;
    this.port = port;
  }
}

/** HTTP servers on loopback addresses, all with the same port. */
export class Listener {
  readonly #handlers: ListenerHandlers;
  readonly #limits: RouterLimits;
  readonly #servers: Server[] = [];

  constructor(handlers: ListenerHandlers, limits: RouterLimits) {
    this.#handlers = handlers;
    this.#limits = limits;
  }

  /**
   * Opens the port on every host; hosts that this machine does not have are left out, as long as one is left.
   * @throws ListenError when the port is taken or may not be used
   */
  async listen(port: number, hosts: readonly string[]): Promise<number> {
    for (const host of hosts) {
      if (!isLoopback(host))
        throw new ListenError('EADDRNOTAVAIL', host, port, 'the router serves this machine only');
    }
    for (let tries = 0; ; tries++) {
      try {
        return await this.#listenOnce(port, hosts);
      } catch (error) {
        await this.close();
        // Any free port of the first address may be taken on the next one.
        if (port !== 0 || tries >= 10 || !(error instanceof ListenError) || error.code !== 'EADDRINUSE')
          throw error;
      }
    }
  }

  /** Stops accepting and closes connections as they become idle; resolves when all are closed. */
  async close(): Promise<void> {
    const sweep = setInterval(() => {
      for (const server of this.#servers) server.closeIdleConnections();
    }, 50);
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
    clearInterval(sweep);
    this.#servers.length = 0;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const server of this.#servers) server.closeAllConnections();
  }

  async #listenOnce(port: number, hosts: readonly string[]): Promise<number> {
    let chosen = port;
    let missing: ListenError | null = null;
    for (const host of hosts) {
      const server = this.#createServer();
      try {
        chosen = await bind(server, chosen, host);
        this.#servers.push(server);
      } catch (error) {
        if (!(error instanceof ListenError) || !/^(EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL)$/.test(error.code))
          throw error;
        missing = error;
      }
    }
    if (this.#servers.length === 0)
      throw missing ?? new ListenError('EADDRNOTAVAIL', 'no host', port, undefined);
    return chosen;
  }

  #createServer(): Server {
    const handlers = this.#handlers;
    const server = createServer({
      maxHeaderSize: REQUEST_HEAD_MAX,
      insecureHTTPParser: false,
      requireHostHeader: false,
      noDelay: true,
      keepAliveTimeout: this.#limits.clientKeepAliveMs,
      headersTimeout: this.#limits.headMs,
      requestTimeout: 0,
      // A request with a body stays in HTTP: behind an upgrade nobody would know where its body ends.
      shouldUpgradeCallback: (request) => !hasBody(request),
    });
    server.maxHeadersCount = 0;
    server.timeout = 0;
    server.on('request', (request, response) => {
      handlers.request(request, response, 'nothing');
    });
    server.on('checkContinue', (request, response) => {
      handlers.request(request, response, 'continue');
    });
    server.on('checkExpectation', (request, response) => {
      handlers.request(request, response, 'unknown');
    });
    server.on('upgrade', (request, socket, head) => {
      handlers.upgrade(request, socket, head);
    });
    server.on('connect', (_request, socket) => {
      refuse(socket, '405 Method Not Allowed');
    });
    server.on('clientError', (error: Error & { code?: string }, socket) => {
      const code = error.code ?? '';
      if (handlers.broken(socket, code)) return;
      refuse(socket, code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request');
    });
    return server;
  }
}

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  return coding !== undefined || (length !== undefined && length !== '0');
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

function bind(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error & { code?: string }): void => {
      reject(new ListenError(error.code ?? 'unknown error', host, port, error));
    };
    server.once('error', onError);
    server.listen({ port, host }, () => {
      server.off('error', onError);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
