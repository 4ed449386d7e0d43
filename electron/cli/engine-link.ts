import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { type Client, createClient } from '#shared/contract/client.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import { SlipwayError } from '#shared/errors.ts';
import { readSettings, type Settings } from '#engine/settings.ts';

/** The way to a running engine. */
export interface EngineLink {
  readonly client: Client;
  readonly port: number;
  readonly apiKey: string;
}

const Discovery = z.object({ port: z.number().int(), pid: z.number().int() });

/** How long whatever listens may take to answer, in milliseconds. */
const HANDSHAKE_TIMEOUT = 5_000;
const NEXT_STEP = 'Start it with npm start, or add --start to this command.';

/**
 * Connects to the engine of a data folder, or to the one on SLIPWAY_API_PORT when that is set.
 * @throws SlipwayError `unavailable` when none runs or answers, `unauthorized` when it does not take the key
 */
export async function connectEngine(env: Readonly<Record<string, string | undefined>>): Promise<EngineLink> {
  const settings = readSettings(env);
  const explicit = (env['SLIPWAY_API_PORT'] ?? '') !== '' && settings.apiPort !== 0;
  const port = explicit ? settings.apiPort : await announcedPort(settings);
  const apiKey =
    settings.apiKey ?? (await readFile(join(settings.home, 'api-key'), 'utf8').catch(() => '')).trim();
  const socket = await openSocket(port, apiKey, settings.home);
  return { client: createClient(webSocketTransport(socket)), port, apiKey };
}

/** The port that the engine of the data folder has written down; the usual one when it has not. */
async function announcedPort({ home, apiPort }: Settings): Promise<number> {
  const file = join(home, 'engine.json');
  const found = await readFile(file, 'utf8').then(
    (text) => Discovery.safeParse(JSON.parse(text)).data ?? null,
    () => null,
  );
  if (found !== null && !isAlive(found.pid)) {
    throw new SlipwayError(
      'unavailable',
      `Slipway is not running: process ${found.pid}, which ${file} names, has ended. ${NEXT_STEP}`,
    );
  }
  if (found === null && apiPort === 0) {
    throw new SlipwayError('unavailable', `Slipway is not running for SLIPWAY_HOME=${home}. ${NEXT_STEP}`);
  }
  return found?.port ?? apiPort;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function openSocket(port: number, apiKey: string, home: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/contract`, {
      headers: { authorization: `Bearer ${apiKey}` },
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      perMessageDeflate: false,
    });
    socket.once('open', () => {
      resolve(socket);
    });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      reject(
        new SlipwayError(
          'unauthorized',
          `What listens on port ${port} does not take this data folder's key (status ${response.statusCode ?? 0}). Set SLIPWAY_HOME or SLIPWAY_API_KEY to those of the running engine.`,
        ),
      );
    });
    socket.on('error', (error) => {
      const timedOut = performance.now() - started >= HANDSHAKE_TIMEOUT;
      const reason = timedOut
        ? `What listens on port ${port} does not answer (${HANDSHAKE_TIMEOUT / 1000} s). Stop it if it hangs, or set SLIPWAY_API_PORT to the port of the running engine.`
        : `Slipway is not running: nothing of it listens on port ${port} (SLIPWAY_HOME=${home}). ${NEXT_STEP}`;
      reject(new SlipwayError('unavailable', reason, { cause: error }));
    });
  });
}
