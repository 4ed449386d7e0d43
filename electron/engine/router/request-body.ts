import type { ClientRequest, IncomingMessage } from 'node:http';

/** The body of a client's request on its way to a dyno; as long as little of it was sent, it can be sent once more to another. */
export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #keepBytes: number;
  readonly #onBytes: () => void;
  readonly #empty: boolean;
  #kept: Buffer[] | null = [];
  #size = 0;
  #ended: boolean;
  #stop: () => void = () => undefined;

  /**
   * @param keepBytes most bytes to remember for a second try
   * @param onBytes hears of each piece that came from the client
   */
  constructor(request: IncomingMessage, empty: boolean, keepBytes: number, onBytes: () => void) {
    this.#request = request;
    this.#empty = empty;
    this.#ended = empty;
    this.#keepBytes = keepBytes;
    this.#onBytes = onBytes;
    request.on('error', () => {
      // A client that breaks off is noticed at the reply.
    });
  }

  /** True while `sendTo` can be called once more. */
  get repeatable(): boolean {
    return this.#kept !== null;
  }

  /** Sends what was sent before, then the rest as it comes. */
  sendTo(upstream: ClientRequest): void {
    for (const chunk of this.#kept ?? []) upstream.write(chunk);
    if (this.#ended) {
      this.#finish(upstream);
      return;
    }
    const request = this.#request;
    const onData = (chunk: Buffer): void => {
      this.#keep(chunk);
      this.#onBytes();
    };
    const onEnd = (): void => {
      this.#ended = true;
      this.#finish(upstream);
    };
    this.#stop = () => {
      request.unpipe(upstream);
      request.off('data', onData);
      request.off('end', onEnd);
      request.pause();
    };
    request.on('data', onData);
    request.on('end', onEnd);
    request.pipe(upstream, { end: false });
  }

  /** Takes the body away from the dyno that has it. */
  detach(): void {
    this.#stop();
    this.#stop = () => undefined;
  }

  #keep(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#keepBytes) this.#kept = null;
    else this.#kept?.push(chunk);
  }

  #finish(upstream: ClientRequest): void {
    const trailers = this.#empty ? [] : this.#request.rawTrailers;
    if (trailers.length > 0) {
      const pairs: [string, string][] = [];
      for (let i = 0; i < trailers.length; i += 2) pairs.push([trailers[i] ?? '', trailers[i + 1] ?? '']);
      upstream.addTrailers(pairs);
    }
    upstream.end();
  }
}
