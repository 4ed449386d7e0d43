import { type Client, createClient } from '#shared/contract/client.ts';
import type { CallName, InputOf, ItemOf, OutputOf, StreamName } from '#shared/contract/contract.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import type { Transport } from '#shared/contract/frames.ts';
import { SlipwayError } from '#shared/errors.ts';
import { desktop } from './host.ts';
import { useWorld } from './world.ts';

/** Pause before the next try to reach the engine, in milliseconds. */
const RETRY = 500;

let client: Client | null = null;

/** Opens a way to the engine; rejects when there is none. */
export type OpenTransport = () => Promise<Transport>;

/** Told of each new connection; the promise ends when there is nothing more to do on it. */
export type OnConnected = (client: Client) => Promise<void>;

/** Keeps a connection to the engine from now on. */
export async function connect(onConnected: OnConnected, open: OpenTransport = openSocket): Promise<never> {
  for (;;) {
    try {
      const opened = createClient(await open());
      client = opened;
      useWorld.setState({ connection: 'open' });
      void onConnected(opened).catch(() => {
        opened.close();
      });
      await opened.closed;
    } catch {
      // The engine does not answer yet.
    }
    client = null;
    useWorld.setState({ connection: 'lost' });
    await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
}

/** Asks the engine. @throws SlipwayError */
export function call<Name extends CallName>(
  name: Name,
  input: InputOf<Name>,
  signal?: AbortSignal,
): Promise<OutputOf<Name>> {
  if (client === null) return Promise.reject(notConnected());
  return client.call(name, input, signal);
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

/** Over the desktop's own channel, or a WebSocket in a browser. */
function openSocket(): Promise<Transport> {
  if (desktop !== null) return Promise.resolve(webSocketTransport(desktop.connect()));
  const url = new URL('/contract', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => {
      resolve(webSocketTransport(socket));
    });
    socket.addEventListener('error', () => {
      reject(notConnected());
    });
  });
}

function notConnected(): SlipwayError {
  return new SlipwayError('disconnected', 'The engine does not answer. Slipway tries again by itself.', {
    retryable: true,
  });
}
