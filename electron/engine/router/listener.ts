import { createServer, isIP, type Server, type Socket } from 'node:net';

/** A port could not be had. `code` is the system's: `EADDRINUSE`, `EACCES` and others. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;
  readonly host: string;
  readonly port: number;

  constructor(code: string, host: string, port: number, cause: unknown) {
    super(`port ${port} on ${host} cannot be used (${code})`, { cause });
    this.code = code;
    this.host = host;
    this.port = port;
  }
}

/** Connections that wait to be accepted, as many as a burst of clients makes. */
const BACKLOG = 1024;

/** Servers on loopback addresses, all with the same port. */
export class Listener {
  readonly #onConnection: (socket: Socket) => void;
  readonly #servers: Server[] = [];

  /** @param onConnection takes a connection that nobody has read from */
  constructor(onConnection: (socket: Socket) => void) {
    this.#onConnection = onConnection;
  }

  /**
   * Opens the port on every host; hosts that this machine does not have are left out, as long as one is left.
   * @param shared other threads listen on the same port, too
   * @throws ListenError when the port is taken or may not be used
   */
  async listen(port: number, hosts: readonly string[], shared = false): Promise<number> {
    for (const host of hosts) {
      if (!isLoopback(host))
        throw new ListenError('EADDRNOTAVAIL', host, port, 'the router serves this machine only');
    }
    for (let tries = 0; ; tries++) {
      try {
        return await this.#listenOnce(port, hosts, shared);
      } catch (error) {
        this.close();
        // Any free port of the first address may be taken on the next one.
        if (port !== 0 || tries >= 10 || !(error instanceof ListenError) || error.code !== 'EADDRINUSE')
          throw error;
      }
    }
  }

  /** Stops accepting. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }

  async #listenOnce(port: number, hosts: readonly string[], reusePort: boolean): Promise<number> {
    let chosen = port;
    let missing: ListenError | null = null;
    for (const host of hosts) {
      const server = this.#createServer();
      try {
        chosen = await bind(server, chosen, host, reusePort);
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
    const server = createServer({ noDelay: true, pauseOnConnect: true }, this.#onConnection);
    server.on('error', () => {
      // Accepting failed, for want of descriptors: the next client may have more luck.
    });
    return server;
  }
}

function bind(server: Server, port: number, host: string, reusePort: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error & { code?: string }): void => {
      reject(new ListenError(error.code ?? 'unknown error', host, port, error));
    };
    server.once('error', onError);
    server.listen({ port, host, backlog: BACKLOG, reusePort }, () => {
      server.off('error', onError);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
