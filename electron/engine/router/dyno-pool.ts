import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { DynoAddress } from '../runtime/runtime.ts';
import type { Clock } from '../util/clock.ts';
import type { RouterLimits } from './limits.ts';
import type { Backend } from './routing-table.ts';

/**
 * One connection to a dyno. Being an agent of exactly one socket, it lets Node's client send requests over it, one behind
 * the other, and goes back to its pool after each that left it usable.
 */
export class DynoConnection extends Agent {
  readonly socket: Socket;
  /** When it became idle, milliseconds since the epoch. */
  idleSince = 0;
  /** How long the dyno keeps it idle, if it said so; milliseconds. */
  idleLimitMs = Number.POSITIVE_INFINITY;
  readonly #onIdle: (connection: DynoConnection) => boolean;

  constructor(socket: Socket, onIdle: (connection: DynoConnection) => boolean) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
    this.socket = socket;
    this.#onIdle = onIdle;
  }

  override createConnection(): Socket {
    return this.socket;
  }

  override keepSocketAlive(): boolean {
    return this.socket.readableLength === 0 && this.#onIdle(this);
  }

  get usable(): boolean {
    return !this.socket.destroyed && this.socket.writable && this.socket.readableLength === 0;
  }

  /** Takes the dyno's `Keep-Alive: timeout=N` into account, with a second to spare. */
  noteKeepAlive(header: string): void {
    const seconds = /(?:^|[\s,])timeout=(\d{1,9})/i.exec(header)?.[1];
    if (seconds !== undefined) this.idleLimitMs = Math.max(0, Number(seconds) * 1000 - 1000);
  }
}

/** A connection could not be made. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly kind: 'refused' | 'timeout';
  readonly connectMs: number;

  constructor(kind: 'refused' | 'timeout', connectMs: number, cause?: unknown) {
    super(kind === 'timeout' ? 'connection timed out' : 'connection refused', { cause });
    this.kind = kind;
    this.connectMs = connectMs;
  }
}

/** Connections to one dyno: idle ones are used again, the newest first, and closed before the dyno would do it. */
class DynoPool {
  readonly address: DynoAddress;
  readonly #clock: Clock;
  readonly #limits: RouterLimits;
  readonly #idle: DynoConnection[] = [];
  #sweep: (() => void) | null = null;
  #closed = false;

  constructor(address: DynoAddress, clock: Clock, limits: RouterLimits) {
    this.address = address;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** An idle connection that was in use not longer than `maxIdleMs` ago, or null. */
  take(maxIdleMs: number): DynoConnection | null {
    const now = this.#clock.now();
    for (let connection = this.#idle.at(-1); connection !== undefined; connection = this.#idle.at(-1)) {
      const idleMs = now - connection.idleSince;
      const tooOld = idleMs >= Math.min(this.#limits.poolIdleMs, connection.idleLimitMs);
      if (connection.usable && !tooOld && idleMs > maxIdleMs) return null;
      this.#idle.pop();
      if (connection.usable && !tooOld) return connection;
      connection.socket.destroy();
    }
    return null;
  }

  async open(): Promise<DynoConnection> {
    const socket = await this.#connect();
    return new DynoConnection(socket, (it) => this.#putBack(it));
  }

  close(): void {
    this.#closed = true;
    this.#sweep?.();
    for (const connection of this.#idle.splice(0)) connection.socket.destroy();
  }

  #connect(): Promise<Socket> {
    const startedAt = this.#clock.now();
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.address.host, port: this.address.port, noDelay: true });
      const fail = (kind: 'refused' | 'timeout', cause?: unknown): void => {
        cancel();
        socket.destroy();
        reject(new ConnectError(kind, this.#clock.now() - startedAt, cause));
      };
      const cancel = this.#clock.after(this.#limits.connectMs, () => {
        fail('timeout');
      });
      // Stays: once connected, whoever uses the socket hears of an error as well, and an idle one just goes.
      socket.on('error', (error: Error & { code?: string }) => {
        fail(error.code === 'ETIMEDOUT' ? 'timeout' : 'refused', error);
      });
      socket.once('connect', () => {
        cancel();
        resolve(socket);
      });
    });
  }

  #putBack(connection: DynoConnection): boolean {
    if (this.#closed || connection.idleLimitMs === 0) return false;
    connection.idleSince = this.#clock.now();
    this.#idle.push(connection);
    this.#sweep ??= this.#clock.after(this.#limits.poolIdleMs, () => {
      this.#closeOld();
    });
    return true;
  }

  #closeOld(): void {
    this.#sweep = null;
    const now = this.#clock.now();
    const oldest = (): DynoConnection | undefined => this.#idle[0];
    for (let it = oldest(); it !== undefined; it = oldest()) {
      if (it.usable && now - it.idleSince < Math.min(this.#limits.poolIdleMs, it.idleLimitMs)) break;
      this.#idle.shift();
      it.socket.destroy();
    }
    const next = oldest();
    if (next === undefined) return;
    this.#sweep = this.#clock.after(Math.max(1, next.idleSince + this.#limits.poolIdleMs - now), () => {
      this.#closeOld();
    });
  }
}

/** The pools of all dynos. */
export class DynoPools {
  readonly #clock: Clock;
  readonly #limits: RouterLimits;
  readonly #pools = new Map<string, DynoPool>();

  constructor(clock: Clock, limits: RouterLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  of(backend: Backend): DynoPool {
    const known = this.#pools.get(backend.dynoId);
    const { host, port } = backend.address;
    if (known?.address.host === host && known.address.port === port) return known;
    known?.close();
    const pool = new DynoPool(backend.address, this.#clock, this.#limits);
    this.#pools.set(backend.dynoId, pool);
    return pool;
  }

  /** Closes idle connections to a dyno, and others as soon as they become idle. */
  close(dynoId: string): void {
    this.#pools.get(dynoId)?.close();
    this.#pools.delete(dynoId);
  }

  closeAll(): void {
    for (const dynoId of [...this.#pools.keys()]) this.close(dynoId);
  }
}
