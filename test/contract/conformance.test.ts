import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Client, createClient } from '#shared/contract/client.ts';
import type { Handlers } from '#shared/contract/contract.ts';
import { serve } from '#shared/contract/dispatch.ts';
import type { Fact } from '#shared/contract/facts.ts';
import { STREAM_WINDOW, type Transport } from '#shared/contract/frames.ts';
import { memoryTransports } from '#shared/contract/memory.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import type { Desktop } from '#shared/desktop.ts';
import { SlipwayError } from '#shared/errors.ts';
import { acceptPorts } from '../../electron/main/ipc.ts';
import { CHANNELS } from '../../electron/preload/channels.ts';
import { ipcMain, page } from '../support/fake-electron.ts';
import '../../electron/preload/preload.ts';

vi.mock('electron', () => import('../support/fake-electron.ts'));

/** Two ends of a connection, client's first, and how to take it away. */
type Connect = () => Promise<{ ends: [Transport, Transport]; close(): void }>;

const TRANSPORTS: Readonly<Record<string, Connect>> = {
  memory: () => {
    const ends = memoryTransports();
    return Promise.resolve({ ends, close: () => ends[0].close() });
  },
  WebSocket: async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const accepted = once(server, 'connection') as Promise<[WebSocket]>;
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(socket, 'open');
    const [other] = await accepted;
    return {
      ends: [webSocketTransport(socket), webSocketTransport(other)],
      close() {
        socket.terminate();
        server.close();
      },
    };
  },
  'Electron’s message ports': () => {
    ipcMain.removeAllListeners(CHANNELS.connect);
    const accepted = Promise.withResolvers<Transport>();
    acceptPorts(CHANNELS.connect, (socket) => {
      accepted.resolve(webSocketTransport(socket));
    });
    const desktop = page.exposed['slipway'] as Desktop;
    const near = webSocketTransport(desktop.connect());
    return accepted.promise.then((far) => ({ ends: [near, far], close: () => near.close() }));
  },
};

describe.each(Object.keys(TRANSPORTS))('the contract over %s', (name) => {
  let close = (): void => undefined;
  afterEach(() => {
    close();
  });

  async function connected(handlers: Partial<Handlers>): Promise<{ client: Client; problems: unknown[] }> {
    const connection = await TRANSPORTS[name]?.();
    if (connection === undefined) throw new Error('no transport');
    close = () => {
      connection.close();
    };
    const problems: unknown[] = [];
    const [near, far] = connection.ends;
    serve({ handlers: handlers as Handlers, onProblem: (_, error) => problems.push(error) }, far, 'ann');
    return { client: createClient(near), problems };
  }

  it('answers calls, many at a time, each with its own answer, and knows who asks', async () => {
    const { client } = await connected({
      'config.get': async ({ app }, { user }) => {
        await sleep(Number(app) % 7);
        return { vars: { app, user, text: 'größe 図 \u{1F680}' } };
      },
    });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => client.call('config.get', { app: String(at + 1) })),
    );
    expect(answers.map(({ vars }) => vars['app'])).toEqual(answers.map((_, at) => String(at + 1)));
    expect(answers[0]?.vars).toMatchObject({ user: 'ann', text: 'größe 図 \u{1F680}' });
  });

  it('hands errors over with code, message, data and retryable', async () => {
    const { client } = await connected({
      'apps.get': () =>
        Promise.reject(new SlipwayError('conflict', 'Not now.', { retryable: true, data: { until: 5 } })),
    });
    await expect(client.call('apps.get', { app: 'a' })).rejects.toMatchObject({
      ...{ code: 'conflict', message: 'Not now.', retryable: true, data: { until: 5 } },
    });
  });

  it('tells nothing of a bug but that there is one', async () => {
    const { client, problems } = await connected({
      'apps.list': () => Promise.reject(new Error('secret detail')),
    });
    const error = await client.call('apps.list', {}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'internal' });
    expect(String(error)).not.toContain('secret');
    expect(problems).toHaveLength(1);
  });

  it('refuses wrong input by field, unknown names, and calls of streams', async () => {
    const { client } = await connected({});
    const wrong = { app: 5 } as unknown as { app: string };
    await expect(client.call('apps.get', wrong)).rejects.toMatchObject({
      code: 'invalid_params',
      data: { field: 'app' },
    });
    await expect(client.call('no.such' as 'apps.list', {})).rejects.toMatchObject({
      code: 'unknown_endpoint',
    });
    await expect(client.call('events.open' as 'apps.list', {})).rejects.toMatchObject({
      code: 'unknown_endpoint',
    });
  });

  it('keeps the order of a stream and ends it', async () => {
    const { client } = await connected({
      'events.open': async function* () {
        for (let at = 0; at < 5_000; at += 1) yield { kind: 'app.created', app: String(at) };
      },
    });
    const seen: Fact[] = [];
    for await (const items of client.open('events.open', {})) seen.push(...items);
    expect(seen.map((fact) => ('app' in fact ? Number(fact.app) : null))).toEqual(
      Array.from({ length: 5_000 }, (_, at) => at),
    );
  });

  it('pulls no more than the window from a stream that nobody reads', async () => {
    let pulled = 0;
    const { client } = await connected({
      'events.open': async function* (_input, { signal }) {
        while (!signal.aborted) {
          pulled += 1;
          yield { kind: 'app.created', app: 'a' };
        }
      },
    });
    const stream = client.open('events.open', {})[Symbol.asyncIterator]();
    await stream.next();
    await sleep(100);
    expect(pulled).toBeLessThanOrEqual(2 * STREAM_WINDOW);
    await stream.return?.();
  });

  it('tells the handler when the reader leaves, and when the connection goes', async () => {
    let open = 0;
    const { client } = await connected({
      'events.open': async function* (_input, { signal }) {
        open += 1;
        try {
          yield { kind: 'app.created', app: 'a' };
          await new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => {
              resolve();
            });
          });
        } finally {
          open -= 1;
        }
      },
    });
    for await (const _ of client.open('events.open', {})) break;
    const other = client.open('events.open', {})[Symbol.asyncIterator]();
    await other.next();
    await expect.poll(() => open).toBe(1);
    close();
    await expect(other.next()).rejects.toMatchObject({ code: 'disconnected', retryable: true });
    await expect.poll(() => open).toBe(0);
    await expect(client.call('apps.list', {})).rejects.toMatchObject({ code: 'disconnected' });
  });

  it('hands over what a stream fails with, behind what it gave', async () => {
    const { client } = await connected({
      'events.open': async function* () {
        yield { kind: 'app.created', app: 'a' };
        throw new SlipwayError('unavailable', 'Gone.');
      },
    });
    const seen: Fact[] = [];
    const reading = (async () => {
      for await (const items of client.open('events.open', {})) seen.push(...items);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toHaveLength(1);
  });
});
