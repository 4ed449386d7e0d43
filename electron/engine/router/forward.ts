import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Lease } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import type { FailureKey } from './failures.ts';
import { checkResponse, clientHeaders, dynoHeaders, responseFailure } from './headers.ts';
import { IdleWatch } from './idle-watch.ts';
import { RESPONSE_HEAD_MAX } from './limits.ts';
import type { RequestBody } from './request-body.ts';
import { tunnel } from './tunnel.ts';

/**
 * Sends a request over one connection and hands the answer on; at its end the exchange is over.
 * @returns `stale` instead when a connection used before was closed by the dyno without a byte, so that another try is safe
 */
export function forward(exchange: Exchange, lease: Lease, body: RequestBody): Promise<'done' | 'stale'> {
  return new Promise((resolve) => {
    new Talk(exchange, lease, body, resolve).begin();
  });
}

/** One try to get an answer. */
class Talk {
  readonly #watch: IdleWatch;
  readonly #exchange: Exchange;
  readonly #lease: Lease;
  readonly #body: RequestBody;
  readonly #settle: (result: 'done' | 'stale') => void;
  readonly #bytesBefore: number;
  #release: () => void = () => undefined;
  #cancelFirstByte: () => void = () => undefined;
  #upstream: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;
  #settled = false;

  constructor(
    exchange: Exchange,
    lease: Lease,
    body: RequestBody,
    settle: (result: 'done' | 'stale') => void,
  ) {
    this.#exchange = exchange;
    this.#lease = lease;
    this.#body = body;
    this.#settle = settle;
    this.#bytesBefore = lease.connection.socket.bytesRead;
    this.#watch = new IdleWatch(exchange.context.clock, exchange.context.limits.idleMs, () => {
      this.#onIdle();
    });
    exchange.watch = this.#watch;
  }

  begin(): void {
    this.#release = this.#exchange.onOver(() => {
      this.#stop('done');
    });
    let upstream: ClientRequest;
    try {
      upstream = this.#request();
    } catch {
      this.#lease.connection.socket.destroy();
      this.#exchange.fail('H26_header');
      return;
    }
    this.#upstream = upstream;
    upstream.maxHeadersCount = 0;
    upstream.once('response', (answer) => {
      this.#onResponse(answer);
    });
    upstream.once('upgrade', (answer, socket, head) => {
      this.#onUpgrade(answer, socket, head);
    });
    upstream.on('information', (info) => {
      this.#watch.touch();
      if (info.statusCode === 100) return;
      this.#exchange.start.reply.interim(
        info.statusCode,
        info.statusMessage,
        clientHeaders(info.rawHeaders, 'plain'),
      );
    });
    upstream.on('error', (error: Error & { code?: string }) => {
      this.#onError(error.code ?? '');
    });
    upstream.once('finish', () => {
      this.#armFirstByte();
    });
    this.#exchange.start.reply.proceed();
    this.#body.sendTo(upstream);
    // A dyno may answer before the client has sent any of its body.
    if (this.#exchange.start.body !== 'none') upstream.flushHeaders();
  }

  #request(): ClientRequest {
    const { start, context, startedAt, requestId, method, fwd } = this.#exchange;
    const { backend, connection, connectMs } = this.#lease;
    return httpRequest({
      agent: connection,
      host: backend.address.host,
      port: backend.address.port,
      method,
      path: start.path,
      maxHeaderSize: RESPONSE_HEAD_MAX,
      insecureHTTPParser: false,
      headers: dynoHeaders(start.request.rawHeaders, {
        fwd,
        port: start.request.socket.localPort ?? 0,
        requestId,
        startedAt,
        connectMs,
        totalRouteMs: context.clock.now() - startedAt,
        method,
        body: start.body,
        upgrade: start.upgrade !== null,
      }),
    });
  }

  #armFirstByte(): void {
    const { clock, limits } = this.#exchange.context;
    if (this.#settled || this.#answer !== null) return;
    this.#cancelFirstByte = clock.after(limits.firstByteMs, () => {
      this.#exchange.fail('H12');
    });
  }

  #onResponse(answer: IncomingMessage): void {
    this.#answer = answer;
    this.#cancelFirstByte();
    answer.on('error', () => {
      if (!answer.complete) this.#exchange.fail('H18');
    });
    if (this.#settled) return;
    this.#watch.touch();
    const { reply } = this.#exchange.start;
    const status = answer.statusCode ?? 0;
    const message = answer.statusMessage ?? '';
    this.#lease.connection.noteKeepAlive(String(answer.headers['keep-alive']));
    const bad =
      checkResponse(message, answer.rawHeaders) ?? this.#sendHead(status, message, answer.rawHeaders);
    if (bad !== null) {
      this.#exchange.fail(bad);
      return;
    }
    answer.on('data', (chunk: Buffer) => {
      this.#exchange.bytes += chunk.length;
      this.#watch.touch();
    });
    reply.body.on('drain', () => {
      this.#watch.touch();
    });
    reply.body.once('finish', () => {
      this.#exchange.finish();
    });
    answer.once('end', () => {
      reply.end(answer.rawTrailers);
    });
    answer.pipe(reply.body, { end: false });
  }

  #sendHead(status: number, message: string, rawHeaders: readonly string[]): FailureKey | null {
    const { reply } = this.#exchange.start;
    const plain = !reply.takesChunked || status === 204 || status === 304;
    try {
      reply.head(status, message, clientHeaders(rawHeaders, plain ? 'plain' : 'chunked'));
    } catch {
      return 'H17';
    }
    this.#exchange.status = status;
    return null;
  }

  #onUpgrade(answer: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#cancelFirstByte();
    const { start } = this.#exchange;
    if (this.#settled || start.upgrade === null) {
      socket.destroy();
      this.#exchange.fail('H17');
      return;
    }
    const headers = clientHeaders(answer.rawHeaders, 'plain');
    start.reply.head(101, answer.statusMessage ?? '', [...headers, 'Connection', 'Upgrade']);
    this.#exchange.status = 101;
    this.#exchange.upgraded = true;
    this.#watch.touch();
    tunnel(this.#exchange, this.#watch, start.upgrade, { socket, head });
  }

  #onError(code: string): void {
    if (this.#settled) return;
    const failure = responseFailure(code);
    const silent = this.#lease.connection.socket.bytesRead === this.#bytesBefore;
    if (failure !== null) this.#exchange.fail(failure);
    else if (this.#answer !== null) {
      if (!this.#answer.complete) this.#exchange.fail('H18');
    } else if (silent && this.#lease.reused && this.#exchange.repeatable && this.#body.repeatable) {
      this.#release();
      this.#stop('stale');
    } else this.#exchange.fail('H13');
  }

  #onIdle(): void {
    const { start, upgraded } = this.#exchange;
    if (upgraded) this.#exchange.fail('H15');
    else if (this.#answer !== null) {
      this.#exchange.fail(start.reply.body.writableNeedDrain || this.#answer.readableEnded ? 'H28' : 'H15');
    } else if (this.#upstream?.writableFinished === false) {
      this.#exchange.fail(this.#upstream.writableNeedDrain ? 'H15' : 'H28');
    }
  }

  #stop(result: 'done' | 'stale'): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#watch.stop();
    this.#cancelFirstByte();
    this.#body.detach();
    this.#upstream?.destroy();
    this.#settle(result);
  }
}
