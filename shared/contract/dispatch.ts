import type * as z from 'zod';
import { type ErrorData, isDiskFull, SlipwayError } from '../errors.ts';
import { contract, type EndpointName, type Handlers } from './contract.ts';
import type { Endpoint } from './endpoint.ts';
import { ClientFrame, MAX_BATCH, type Transport } from './frames.ts';

/** Most calls and streams of one connection at a time. */
const MAX_OPEN = 256;

/** What serving needs besides the handlers. */
export interface DispatchOptions {
  readonly handlers: Handlers;
  /** Told of errors that are bugs; what the client gets names none of their details. */
  onProblem(what: string, error: unknown): void;
}

type AnyHandler = (input: unknown, context: { user: string; signal: AbortSignal }) => unknown;

/** Serves the contract on one connection until it closes. */
export function serve(options: DispatchOptions, transport: Transport, user: string): void {
  new Connection(options, transport, user).start();
}

interface OpenRequest {
  readonly abort: AbortController;
  credit: number;
  wake: () => void;
}

class Connection {
  private readonly options: DispatchOptions;
  private readonly transport: Transport;
  private readonly user: string;
  private readonly open = new Map<string, OpenRequest>();
  private gone = false;

  constructor(options: DispatchOptions, transport: Transport, user: string) {
    this.options = options;
    this.transport = transport;
    this.user = user;
  }

  start(): void {
    this.transport.receive(
      (data) => {
        this.onFrame(data);
      },
      () => {
        this.gone = true;
        for (const request of this.open.values()) {
          request.abort.abort();
          request.wake();
        }
        this.open.clear();
      },
    );
  }

  private onFrame(data: unknown): void {
    const parsed = ClientFrame.safeParse(data);
    if (!parsed.success) {
      this.transport.close();
      return;
    }
    const frame = parsed.data;
    if (frame.t === 'call' || frame.t === 'open') {
      void this.answer(frame);
      return;
    }
    const request = this.open.get(frame.id);
    if (request === undefined) return;
    if (frame.t === 'ack') request.credit += frame.count;
    else request.abort.abort();
    request.wake();
  }

  private async answer(frame: Extract<ClientFrame, { t: 'call' | 'open' }>): Promise<void> {
    const { id } = frame;
    let own: OpenRequest | null = null;
    try {
      const endpoint = findEndpoint(frame.name, frame.t === 'call' ? 'call' : 'stream');
      if (this.open.has(id))
        throw new SlipwayError('invalid_params', `The id ${id} is in use on this connection.`);
      if (this.open.size >= MAX_OPEN) {
        throw new SlipwayError(
          'limit_reached',
          `More than ${MAX_OPEN} calls and streams are open on this connection.`,
          {
            retryable: true,
          },
        );
      }
      const input = checkInput(frame.name, endpoint.input, frame.input);
      const request = {
        abort: new AbortController(),
        credit: frame.t === 'open' ? frame.credit : 0,
        wake: () => undefined,
      };
      own = request;
      this.open.set(id, request);
      const handler = this.options.handlers[frame.name as EndpointName] as AnyHandler;
      const result = handler(input, { user: this.user, signal: request.abort.signal });
      if (endpoint.kind === 'call') this.send({ t: 'value', id, value: await result });
      else await this.pump(id, request, result as AsyncIterable<unknown>);
    } catch (error) {
      this.send({ t: 'error', id, error: this.describe(frame.name, error) });
    } finally {
      if (own !== null && this.open.get(id) === own) this.open.delete(id);
    }
  }

  /** Pulls items only while the client has room for them; what is there at once goes as one frame. */
  private async pump(id: string, request: OpenRequest, items: AsyncIterable<unknown>): Promise<void> {
    const { signal } = request.abort;
    const iterator = items[Symbol.asyncIterator]();
    let batch: unknown[] = [];
    const flush = (): void => {
      if (batch.length > 0) this.send({ t: 'items', id, items: batch });
      batch = [];
    };
    try {
      while (!signal.aborted) {
        if (request.credit === 0) {
          flush();
          await new Promise<void>((resolve) => (request.wake = resolve));
          continue;
        }
        const next = iterator.next();
        if (batch.length > 0) {
          const soon = await Promise.race([next, nextTurn()]);
          if (soon === undefined) flush();
        }
        const result: IteratorResult<unknown, unknown> = await next;
        if (result.done === true) break;
        batch.push(result.value);
        request.credit -= 1;
        if (batch.length >= MAX_BATCH) flush();
      }
      flush();
      if (!signal.aborted) this.send({ t: 'end', id });
    } finally {
      flush();
      await iterator.return?.();
    }
  }

  private send(frame: Parameters<Transport['send']>[0]): void {
    if (!this.gone) this.transport.send(frame);
  }

  private describe(name: string, error: unknown): ErrorData {
    if (error instanceof SlipwayError) return error.toData();
    if (error instanceof Error && error.name === 'AbortError') {
      return new SlipwayError('cancelled', 'The call was cancelled.').toData();
    }
    this.options.onProblem(name, error);
    if (isDiskFull(error)) {
      const text = `${name}: the disk that the data folder is on is full, so nothing was changed. Free some space and try again.`;
      return new SlipwayError('unavailable', text, { retryable: true }).toData();
    }
    return new SlipwayError(
      'internal',
      `${name} failed inside the engine. Its diagnostics say more.`,
    ).toData();
  }
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0, undefined);
  });
}

function findEndpoint(name: string, kind: Endpoint['kind']): Endpoint {
  const endpoint: Endpoint | undefined = Object.hasOwn(contract, name)
    ? contract[name as EndpointName]
    : undefined;
  if (endpoint?.kind === kind) return endpoint;
  throw new SlipwayError('unknown_endpoint', `There is no ${kind} "${name}" in this engine's contract.`);
}

function checkInput(name: string, schema: z.ZodType, input: unknown): unknown {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const field = first?.path.join('.') ?? '';
  throw new SlipwayError(
    'invalid_params',
    `${name}: ${field === '' ? '' : `${field}: `}${first?.message ?? 'bad input'}.`,
    {
      data: { field },
    },
  );
}
