import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { type Client, createClient } from '#shared/contract/client.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import { SlipwayError } from '#shared/errors.ts';
import { readSettings } from '#engine/settings.ts';

/** The way to a running engine. */
export interface EngineLink {
  readonly client: Client;
  readonly port: number;
  readonly apiKey: string;
}

const Discovery = z.object({ port: z.number().int(), pid: z.number().int() });

/**
 * Connects to the engine of a data folder.
 * @throws SlipwayError `unavailable` when none runs, `unauthorized` when it does not take the key
 */
export async function connectEngine(env: Readonly<Record<string, string | undefined>>): Promise<EngineLink> {
  const settings = readSettings(env);
  const found = await readFile(join(settings.home, 'engine.json'), 'utf8').then(
    (text) => Discovery.safeParse(JSON.parse(text)).data ?? null,
    () => null,
  );
  const port = found?.port ?? settings.apiPort;
  const apiKey =
    settings.apiKey ?? (await readFile(join(settings.home, 'api-key'), 'utf8').catch(() => '')).trim();
  const socket = await openSocket(port, apiKey, settings.home);
  return { client: createClient(webSocketTransport(socket)), port, apiKey };
}

function openSocket(port: number, apiKey: string, home: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/contract`, {
      headers: { authorization: `Bearer ${apiKey}` },
      perMessageDeflate: false,
    });
    socket.once('open', () => {
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response) => {
      reject(
        new SlipwayError(
          'unauthorized',
          `What listens on port ${port} does not take this data folder's key (status ${response.statusCode ?? 0}). Set SLIPWAY_HOME or SLIPWAY_API_KEY to those of the running engine.`,
        ),
      );
    });
    socket.once('error', (error) => {
      reject(
        new SlipwayError(
          'unavailable',
          `No Slipway runs for SLIPWAY_HOME=${home} (port ${port}). Start it: npm start, or add --start to this command.`,
          { cause: error },
        ),
      );
    });
  });
}
