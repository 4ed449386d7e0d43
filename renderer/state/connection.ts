import { type Client, createClient } from '#shared/contract/client.ts';
import type { CallName, InputOf, ItemOf, OutputOf, StreamName } from '#shared/contract/contract.ts';
import type { Fact } from '#shared/contract/facts.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import { SlipwayError } from '#shared/errors.ts';
import { refreshApps, refreshOpen } from './actions.ts';
import { useWorld } from './world.ts';

const RETRY = 1_000;

let client: Client | null = null;

/** Keeps a connection to the engine, and what is shown in step with it, from now on. */
export function connect(): void {
  const url = new URL('/contract', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  const again = (): void => {
    client = null;
    useWorld.setState({ connection: 'lost' });
    setTimeout(connect, RETRY);
  };
  socket.addEventListener('error', again, { once: true });
  socket.addEventListener('open', () => {
    socket.removeEventListener('error', again);
    const opened = createClient(webSocketTransport(socket));
    client = opened;
    void opened.closed.then(again);
    useWorld.setState({ connection: 'open' });
    void follow(opened);
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
async function follow(opened: Client): Promise<void> {
  try {
    const facts = opened.open('events.open', {});
    await refresh(null);
    for await (const batch of facts) await refresh(batch);
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'disconnected') return;
    useWorld.setState({ problem: error instanceof Error ? error.message : String(error) });
  }
}

async function refresh(facts: readonly Fact[] | null): Promise<void> {
  await refreshApps();
  const { open, apps } = useWorld.getState();
  const app = apps?.find((each) => each.name === open?.name);
  if (open !== null && app !== undefined && (facts === null || facts.some((fact) => fact.app === app.id))) {
    await refreshOpen(open.name);
  }
}

function notConnected(): SlipwayError {
  return new SlipwayError('disconnected', 'The engine does not answer. Is it running?', { retryable: true });
}
