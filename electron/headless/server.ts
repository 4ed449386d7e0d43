import type { IncomingMessage } from 'node:http';
import { relative, sep } from 'node:path';
import { type Duplex, Readable } from 'node:stream';
import fastifyStatic from '@fastify/static';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { UI_HEADERS } from '#shared/content-policy.ts';
import type { Handlers } from '#shared/contract/contract.ts';
import { serve } from '#shared/contract/dispatch.ts';
import { webSocketTransport } from '#shared/contract/web-socket.ts';
import { SlipwayError } from '#shared/errors.ts';
import { Access, type Refusal } from './access.ts';
import { addErrorHandler, errorData } from './http-errors.ts';
import { noSessionPage } from './no-session-page.ts';

/** What a host serves, and where. */
export interface HostOptions {
  readonly handlers: Handlers;
  /** 0 takes any free port. */
  readonly port: number;
  readonly apiKey: string;
  /** Folder with the built renderer. */
  readonly uiFolder: string;
  /** Name of the user in the release ledger. */
  readonly user: string;
  receiveUpload(tar: Readable): Promise<{ upload: string }>;
  onProblem(what: string, error: unknown): void;
}

/** A host that serves. */
export interface Host {
  readonly port: number;
  /** A start URL for a browser, good for one visit. */
  newUiUrl(): string;
  close(): Promise<void>;
}

/** Path of the contract's WebSocket. */
export const CONTRACT_PATH = '/contract';
/** Largest frame of the contract, in bytes. */
const MAX_FRAME = 4 * 1024 * 1024;
/** How often a WebSocket client has to show that it is there, in milliseconds. */
const HEARTBEAT = 20_000;

/**
 * Serves UI, contract and uploads on one loopback port.
 * @throws the system's error (`EADDRINUSE` and others) when the port cannot be had
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const app = fastify({ forceCloseConnections: true });
  let port = options.port;
  const access = new Access(options.apiKey, () => port);
  addChecks(app, access);
  addErrorHandler(app, options.onProblem.bind(options));
  addUpload(app, options);
  const newUiUrl = (): string => `http://localhost:${port}/?token=${access.newToken()}`;
  app.post('/ui-urls', () => ({ url: newUiUrl() }));
  await addUi(app, options.uiFolder);
  const sockets = addContract(app, access, options);
  await app.listen({ port: options.port, host: 'localhost' });
  port = portOf(app);
  return {
    port,
    newUiUrl,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      await app.close();
    },
  };
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the host has no port');
  return address.port;
}

/** Lets in who may: the site check for everything, then token, cookie or key. */
function addChecks(app: FastifyInstance, access: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(UI_HEADERS);
    const foreign = access.checkSite(request.headers);
    if (foreign !== null) return refuse(reply, foreign);
    const token = (request.query as { token?: unknown }).token;
    if (request.method === 'GET' && typeof token === 'string') {
      const cookie = access.exchange(token);
      if (cookie !== null)
        return reply.header('set-cookie', cookie).redirect(request.url.split('?')[0] ?? '/', 303);
    }
    const unknown = access.checkIdentity(request.headers);
    if (unknown === null) return undefined;
    if (request.method !== 'GET' || request.headers.accept?.includes('text/html') !== true)
      return refuse(reply, unknown);
    return reply.status(401).type('text/html; charset=utf-8').send(noSessionPage());
  });
}

function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return reply
    .status(refusal.status)
    .send(errorData(refusal.status === 401 ? 'unauthorized' : 'forbidden', refusal.reason));
}

/** `POST /uploads`: the contents of a project folder as a tar. */
function addUpload(app: FastifyInstance, options: HostOptions): void {
  app.addContentTypeParser('application/x-tar', (_request, payload, done) => {
    done(null, payload);
  });
  app.post('/uploads', async (request) => {
    if (request.body instanceof Readable) return options.receiveUpload(request.body);
    throw new SlipwayError(
      'invalid_params',
      "POST /uploads came without a tar. Send a folder's contents as a tar, with content-type application/x-tar.",
    );
  });
}

/** The renderer's files; every other path of the UI gets its one page. */
async function addUi(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    setHeaders(response, path) {
      const hashed = relative(folder, path).split(sep)[0] === 'assets';
      response.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.setNotFoundHandler(async (request, reply) => {
    const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html') === true;
    if (isPage) return reply.sendFile('index.html');
    return reply
      .status(404)
      .send(errorData('not_found', `There is nothing at ${request.url.split('?')[0] ?? ''}.`));
  });
}

function addContract(app: FastifyInstance, access: Access, options: HostOptions): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME, perMessageDeflate: false });
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {
      socket.destroy();
    });
    const refusal = access.checkSite(request.headers) ?? access.checkIdentity(request.headers);
    const found = request.url?.split('?')[0] === CONTRACT_PATH;
    if (refusal !== null || !found) {
      const status = refusal?.status ?? 404;
      socket.once('finish', () => {
        socket.destroy();
      });
      socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      keepAlive(client);
      serve(options, webSocketTransport(client), options.user);
    });
  });
  return sockets;
}

/** Ends a connection whose other side has gone without a word. */
function keepAlive(client: WebSocket): void {
  let alive = true;
  client.on('pong', () => {
    alive = true;
  });
  client.on('error', () => {
    client.terminate();
  });
  const timer = setInterval(() => {
    if (!alive) {
      client.terminate();
      return;
    }
    alive = false;
    client.ping();
  }, HEARTBEAT);
  client.on('close', () => {
    clearInterval(timer);
  });
}
