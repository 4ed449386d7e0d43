import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type RequestListener,
  request,
  type Server,
} from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../util/clock.ts';
import type { RouterLimits } from './limits.ts';
import { createRouter, type Router, type RouterOptions } from './router.ts';
import { type Backend, DEFAULT_RULES, type Route, type RouteRules } from './routing-table.ts';

/** An answer as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly message: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: string;
}

/** A router with real dynos (servers on loopback) and clients; `close` ends all of it. */
export class Testbed {
  readonly lines: string[] = [];
  readonly router: Router;
  port = 0;
  readonly #closers: (() => Promise<void> | void)[] = [];
  #dynos = 0;

  /** @param make makes the router; one in the test's own thread unless given */
  constructor(
    limits: Partial<RouterLimits> = {},
    wake: (appId: string) => void = () => undefined,
    make: (options: RouterOptions) => Router = createRouter,
  ) {
    this.router = make({
      clock: systemClock,
      wake,
      log: (_app, lines) => {
        this.lines.push(...lines.map((line) => line.text));
      },
      limits: { closeMs: 200, lingerMs: 200, ...limits },
    });
    this.#closers.push(() => this.router.close());
  }

  async listen(): Promise<this> {
    this.port = (await this.router.listen(0, ['127.0.0.1', '::1'])).port;
    return this;
  }

  async close(): Promise<void> {
    for (const run of this.#closers.splice(0).reverse()) await run();
  }

  /** Closes something at the end. */
  defer(run: () => Promise<void> | void): void {
    this.#closers.push(run);
  }

  /** A dyno that speaks HTTP. */
  async dyno(handler: RequestListener, tune: (server: Server) => void = () => undefined): Promise<Backend> {
    const server = createServer(handler);
    tune(server);
    this.defer(() => {
      server.closeAllConnections();
    });
    return this.#open(server);
  }

  /** A dyno that does with each connection as it likes. */
  async rawDyno(onSocket: (socket: Socket) => void): Promise<Backend> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      onSocket(socket);
    });
    this.defer(() => {
      for (const socket of sockets) socket.destroy();
    });
    return this.#open(server);
  }

  /** A dyno that answers the first bytes of each connection with `text` and hangs up if asked to. */
  answeringDyno(text: string, then: 'keep' | 'end' | 'reset' = 'keep'): Promise<Backend> {
    return this.rawDyno((socket) => {
      socket.once('data', () => {
        socket.write(text, 'latin1', () => {
          if (then === 'end') socket.end();
          if (then === 'reset') socket.resetAndDestroy();
        });
      });
    });
  }

  /** A dyno that leaves HTTP with whoever asks, says `hello` and sends back what it hears. */
  upgradingDyno(hello = ''): Promise<Backend> {
    return this.rawDyno((socket) => {
      socket.once('data', () => {
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n${hello}`,
        );
        socket.on('data', (data) => socket.write(data));
      });
    });
  }

  /** A dyno whose machine is there but takes no connection: connecting to it hangs. */
  async silentDyno(): Promise<Backend> {
    const worker = new Worker(
      `const server = require('node:net').createServer();
       server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
         require('node:worker_threads').parentPort.postMessage(server.address().port);
         setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);
       });`,
      { eval: true },
    );
    this.defer(async () => void (await worker.terminate()));
    const port = await new Promise<number>((resolve) => worker.once('message', resolve));
    await pause(200);
    // The system's queue of connections that nobody accepted is full after a few.
    for (let i = 0; i < 6; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      this.defer(() => void socket.destroy());
    }
    await pause(100);
    return { dynoId: `silent-${port}`, name: 'web.1', address: { host: '127.0.0.1', port } };
  }

  /** Publishes the route of the app `demo`. */
  route(backends: readonly Backend[], state: Route['state'] = backends.length > 0 ? 'up' : 'starting'): void {
    this.router.setRoute({ appId: 'app-1', appName: 'demo', state, backends });
  }

  /** Same with what a person has set. */
  routeWith(rules: Partial<RouteRules>, backends: readonly Backend[], state?: Route['state']): void {
    const known = state ?? (backends.length > 0 ? 'up' : 'starting');
    const all = { ...DEFAULT_RULES, ...rules };
    this.router.setRoute({ appId: 'app-1', appName: 'demo', state: known, backends, rules: all });
  }

  /** Asks the app `demo` (or another host). */
  ask(
    path: string,
    options: {
      method?: string;
      headers?: OutgoingHttpHeaders | readonly string[];
      body?: string | Buffer;
      host?: string;
    } = {},
  ): Promise<Answer> {
    const { method = 'GET', headers = {}, body, host = `demo.localhost:${this.port}` } = options;
    const given = Array.isArray(headers) ? ['Host', host, ...headers] : { host, ...headers };
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.port, path, method, headers: given, agent: false },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => {
            text += chunk;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const { statusCode: status = 0, statusMessage: message = '', rawHeaders, trailers } = answer;
            resolve({ status, message, headers: answer.headers, rawHeaders, trailers, body: text });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Opens a connection to the router and collects what comes back. */
  raw(text: string): { readonly socket: Socket; received: () => string; closed: Promise<string> } {
    const socket = connect(this.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => socket.destroy());
    const closed = new Promise<string>((resolve) => {
      socket.on('close', () => {
        resolve(received);
      });
    });
    this.defer(() => {
      socket.destroy();
    });
    socket.write(text, 'latin1');
    return { socket, received: () => received, closed };
  }

  /** The next line of the log that fits. */
  async line(pattern: RegExp): Promise<string> {
    await until(() => this.lines.some((line) => pattern.test(line)));
    return this.lines.find((line) => pattern.test(line)) ?? '';
  }

  async #open(server: Server | TcpServer): Promise<Backend> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.defer(() => {
      server.close();
    });
    this.#dynos++;
    const { port } = server.address() as AddressInfo;
    return {
      dynoId: `dyno-${this.#dynos}`,
      name: `web.${this.#dynos}`,
      address: { host: '127.0.0.1', port },
    };
  }
}

/** Has a dyno answer its first request with more than anybody takes, as fast as it is taken; `sent` counts the bytes. */
export function answerWithoutEnd(socket: Socket): { readonly sent: number } {
  const count = { sent: 0 };
  socket.once('data', () => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const more = (): void => {
      do count.sent += 65_536;
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
    };
    socket.on('drain', more);
    more();
  });
  return count;
}

/** An address of loopback that nothing else uses, so that a free port of it stays free; elsewhere than on Linux there is but one. */
const UNUSED = process.platform === 'linux' ? '127.0.0.9' : '127.0.0.1';

/** A port of loopback that nothing listens on. */
export async function deadBackend(): Promise<Backend> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, UNUSED, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { dynoId: `dead-${port}`, name: 'web.9', address: { host: UNUSED, port } };
}

/** Waits until something holds. @throws after ten seconds */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`did not come true in ten seconds: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
