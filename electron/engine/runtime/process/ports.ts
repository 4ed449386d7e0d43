import { connect, createServer } from 'node:net';
import { RuntimeError } from '../runtime.ts';

/** Ports for dynos: below the ones that systems give to outgoing connections. */
const FIRST = 20_000;
const LAST = 29_999;
/** How long a connection to this machine may take to come about, in milliseconds. */
const CONNECT_TIMEOUT = 1_000;

/** Hands out ports that nothing listens on, each to one dyno at a time. */
export class Ports {
  private readonly taken = new Set<number>();
  private next: number;

  /** @param random in [0, 1), so that two engines on a machine seldom try the same ones */
  constructor(random: number) {
    this.next = FIRST + Math.floor(random * (LAST - FIRST + 1));
  }

  /** @throws RuntimeError `failed` when all are in use */
  async take(): Promise<number> {
    for (let tries = 0; tries <= LAST - FIRST; tries += 1) {
      const port = this.next;
      this.next = port === LAST ? FIRST : port + 1;
      if (this.taken.has(port)) continue;
      this.taken.add(port);
      if ((await isFree(port, '0.0.0.0')) && (await isFree(port, '127.0.0.1'))) return port;
      this.taken.delete(port);
    }
    throw new RuntimeError(
      'failed',
      `All ports from ${String(FIRST)} to ${String(LAST)} are in use: stop some dynos.`,
    );
  }

  /** Marks the port of a dyno that runs already. */
  reserve(port: number): void {
    this.taken.add(port);
  }

  release(port: number): void {
    this.taken.delete(port);
  }
}

/** True when something accepts connections there. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT });
    const answer = (listening: boolean) => (): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
