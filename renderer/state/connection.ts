import { type Client, createClient } from '#shared/contract/client.ts';
import type { CallName, InputOf, ItemOf, OutputOf, StreamName } from '#shared/contract/contract.ts';
import type { Fact } from '#shared/contract/facts.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import { SlipwayError } from '#shared/errors.ts';
import { useWorld } from './world.ts';

const RETRY = 1_000;

let client: Client | null = null;

/** Reads what is shown anew: all of it, or what the facts speak of. */
export type Refresh = (facts: readonly Fact[] | null) => Promise<void>;

/** Keeps a connection to the engine, and what is shown in step with it, from now on. */
export function connect(refresh: Refresh): void {
  const url = new URL('/contract', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  const again = (): void => {
    client = null;
    useWorld.setState({ connection: 'lost' });
    setTimeout(connect, RETRY, refresh);
  };
  socket.addEventListener('error', again, { once: true });
  socket.addEventListener('open', () => {
    socket.removeEventListener('error', again);
    const opened = createClient(webSocketTransport(socket));
    client = opened;
    void opened.closed.then(again);
    useWorld.setState({ connection: 'open' });
    void follow(opened, refresh);
  });
}

/** Asks the engine. @throws SlipwayError */
export function call<Name extends CallName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>> {
  if (client === null) return Promise.reject(notConnected());
  return client.call(name, input);
}

/** Opens a stream of the engine. @throws SlipwayError */
export function openStream<Name extends StreamName>(
  name: Name,
  input: InputOf<Name>,
  signal: AbortSignal,
): AsyncIterable<ItemOf<Name>[]> {
  if (client === null) throw notConnected();
  return client.open(name, input, signal);
}

/** Reads everything once, and again whenever the engine tells that it changed. */
async function follow(opened: Client, refresh: Refresh): Promise<void> {
  try {
    const facts = opened.open('events.open', {});
    await refresh(null);
    for await (const batch of facts) await refresh(batch);
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'disconnected') return;
    useWorld.setState({ problem: error instanceof Error ? error.message : String(error) });
  }
}

function notConnected(): SlipwayError {
  return new SlipwayError('disconnected', 'The engine does not answer. Is it running?', { retryable: true });
}
