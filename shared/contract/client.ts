import { SlipwayError } from '../errors.ts';
import type { CallName, InputOf, ItemOf, OutputOf, StreamName } from './contract.ts';
import { ServerFrame, STREAM_WINDOW, type Transport } from './frames.ts';

/** The contract from a client's side. */
export interface Client {
  /** @throws SlipwayError as the engine gave it; `disconnected` when the connection is lost before the answer */
  call<Name extends CallName>(
    name: Name,
    input: InputOf<Name>,
    signal?: AbortSignal,
  ): Promise<OutputOf<Name>>;
  /**
   * Opens a stream; each step gives the items that have come, at least one.
   * Leaving the loop or aborting ends the stream on the engine's side too.
   * @throws SlipwayError as `call` does
   */
  open<Name extends StreamName>(
    name: Name,
    input: InputOf<Name>,
    signal?: AbortSignal,
  ): AsyncIterable<ItemOf<Name>[]>;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Pending {
  onFrame(frame: ServerFrame): void;
  onLost(error: SlipwayError): void;
}

/** Makes a client of a transport. */
export function createClient(transport: Transport): Client {
  return new TransportClient(transport);
}

class TransportClient implements Client {
  readonly closed: Promise<void>;
  private readonly transport: Transport;
  private readonly pending = new Map<string, Pending>();
  private nextId = 0;
  private lost: SlipwayError | null = null;

  constructor(transport: Transport) {
    this.transport = transport;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    transport.receive(
      (data) => {
        const frame = ServerFrame.safeParse(data);
        if (frame.success) this.pending.get(frame.data.id)?.onFrame(frame.data);
      },
      () => {
        this.lost = new SlipwayError('disconnected', 'The connection to the engine was lost.', {
          retryable: true,
        });
        for (const each of this.pending.values()) each.onLost(this.lost);
        this.pending.clear();
        resolve();
      },
    );
  }

  close(): void {
    this.transport.close();
  }

  call<Name extends CallName>(
    name: Name,
    input: InputOf<Name>,
    signal?: AbortSignal,
  ): Promise<OutputOf<Name>> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(this.lost);
      if (signal?.aborted === true) return reject(cancelled());
      const id = this.newId();
      const abort = (): void => {
        this.pending.delete(id);
        this.transport.send({ t: 'cancel', id });
        reject(cancelled());
      };
      const settle = (): void => {
        this.pending.delete(id);
        signal?.removeEventListener('abort', abort);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.pending.set(id, {
        onFrame(frame) {
          if (frame.t === 'value') resolve(frame.value as OutputOf<Name>);
          else if (frame.t === 'error') reject(SlipwayError.from(frame.error));
          else return;
          settle();
        },
        onLost(error) {
          signal?.removeEventListener('abort', abort);
          reject(error);
        },
      });
      this.transport.send({ t: 'call', id, name, input });
    });
  }

  async *open<Name extends StreamName>(
    name: Name,
    input: InputOf<Name>,
    signal?: AbortSignal,
  ): AsyncIterable<ItemOf<Name>[]> {
    if (this.lost) throw this.lost;
    const id = this.newId();
    let waiting: ItemOf<Name>[] = [];
    let end: { error: SlipwayError | null } | null = null;
    let wake = (): void => undefined;
    const finish = (error: SlipwayError | null): void => {
      end ??= { error };
      wake();
    };
    const abort = (): void => {
      finish(null);
    };
    this.pending.set(id, {
      onFrame(frame) {
        if (frame.t === 'items') {
          waiting.push(...(frame.items as ItemOf<Name>[]));
          wake();
        } else if (frame.t === 'end') finish(null);
        else if (frame.t === 'error') finish(SlipwayError.from(frame.error));
      },
      onLost: finish,
    });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    else this.transport.send({ t: 'open', id, name, input, credit: STREAM_WINDOW });
    try {
      for (;;) {
        if (waiting.length > 0 && signal?.aborted !== true) {
          const items = waiting;
          waiting = [];
          yield items;
          if (end === null) this.transport.send({ t: 'ack', id, count: items.length });
          continue;
        }
        const ended = end as { error: SlipwayError | null } | null;
        if (ended?.error) throw ended.error;
        if (ended) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      if (this.pending.delete(id) && !this.lost) this.transport.send({ t: 'cancel', id });
    }
  }

  private newId(): string {
    this.nextId += 1;
    return String(this.nextId);
  }
}

function cancelled(): SlipwayError {
  return new SlipwayError('cancelled', 'The call was cancelled.');
}
