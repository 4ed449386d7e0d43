import { type Http2Session, performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import type { LeafMaker } from '../https/certificates.ts';
import type { Clock } from '../util/clock.ts';
import { H2Side } from './h2-side.ts';
import { REQUEST_HEAD_MAX, HEADERS_MAX } from './limits.ts';
import { Listener } from './listener.ts';
import type { Origin } from './origin.ts';
import { type ClientStream, PlainSide } from './plain-side.ts';

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** What the gate needs of the router. */
export interface TlsGateOptions {
  readonly clock: Clock;
  /** Signs the certificates. */
  readonly authority: KeyPair;
  /** Longest silence of a connection of HTTP/2 without a request, in milliseconds. */
  readonly idleMs: number;
  /** Whether the host name leads to an app. */
  knows(host: string): boolean;
  /** Takes over what was decrypted. */
  accept(stream: ClientStream, origin: Origin): void;
}

/** Longest handshake, in milliseconds. */
const HANDSHAKE_MS = 10_000;
/** Requests at a time on one connection of HTTP/2. */
const STREAMS_MAX = 128;
/** Most host names whose certificates are kept. */
const CONTEXTS_MAX = 500;
/** The certificate for those who name no host that is served here. */
const NO_HOST = 'localhost';

interface Context {
  readonly context: SecureContext;
  readonly until: number;
}

/** HTTPS in front of the router: ends TLS, with a certificate for each host that a client names, and takes HTTP/2 apart. */
export class TlsGate {
  readonly #options: TlsGateOptions;
  readonly #listener: Listener;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  readonly #sessions = new Set<Http2Session>();
  readonly #contexts = new Map<string, Promise<Context>>();
  #maker: Promise<LeafMaker> | null = null;
  #port = 0;

  constructor(options: TlsGateOptions) {
    this.#options = options;
    this.#server = createServer({
      ALPNProtocols: ['h2', 'http/1.1'],
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
      SNICallback: (name, done) => {
        const host = name.toLowerCase();
        this.#contextOf(this.#serves(host) ? host : NO_HOST).then(
          ({ context }) => {
            done(null, context);
          },
          (error: unknown) => {
            done(error instanceof Error ? error : new Error(String(error)));
          },
        );
      },
    });
    this.#server.on('secureConnection', (socket) => {
      this.#onSecure(socket);
    });
    // Whoever breaks off a handshake, or does not trust the certificate, is told so by TLS itself.
    this.#server.on('tlsClientError', () => undefined);
    this.#listener = new Listener((socket: Socket) => {
      socket.on('error', () => undefined);
      this.#server.emit('connection', socket);
    });
  }

  /**
   * Opens the port on loopback addresses, see `Listener.listen`.
   * @throws ListenError when the port cannot be had
   */
  async listen(port: number, hosts: readonly string[]): Promise<number> {
    // Those who name no host get it without being asked for a name.
    const maker = await this.#leafMaker();
    const { certificate, key } = await maker.make(NO_HOST, this.#options.clock.now());
    this.#server.setSecureContext({ cert: certificate, key });
    this.#port = await this.#listener.listen(port, hosts);
    return this.#port;
  }

  /** Stops accepting; connections of HTTP/2 end behind the requests that they have. */
  stop(): void {
    this.#listener.close();
    for (const session of this.#sessions) session.close();
  }

  /** Breaks what is left. */
  destroy(): void {
    this.stop();
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Names below `.localhost` belong to this machine alone; for others only those of an app get a certificate. */
  #serves(host: string): boolean {
    return /^[a-z0-9.-]+\.localhost$/.test(host) || this.#options.knows(host);
  }

  #leafMaker(): Promise<LeafMaker> {
    // Loaded when it is needed: most engines never are asked for HTTPS.
    this.#maker ??= import('../https/certificates.ts').then(
      (module) => new module.LeafMaker(this.#options.authority),
    );
    return this.#maker;
  }

  async #contextOf(host: string): Promise<Context> {
    const { clock } = this.#options;
    const known = this.#contexts.get(host);
    if (known !== undefined && (await known).until > clock.now()) return known;
    if (this.#contexts.size >= CONTEXTS_MAX) this.#contexts.clear();
    const made = this.#makeContext(host);
    this.#contexts.set(host, made);
    made.catch(() => this.#contexts.delete(host));
    return made;
  }

  async #makeContext(host: string): Promise<Context> {
    const maker = await this.#leafMaker();
    const { certificate, key, until } = await maker.make(host, this.#options.clock.now());
    return { context: createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' }), until };
  }

  #onSecure(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const tls = (socket.getProtocol() ?? 'unknown').replace(/^TLSv/, 'tls');
    const { servername } = socket as { servername?: string | false | null };
    const serverName = typeof servername === 'string' ? servername.toLowerCase() : null;
    const origin = { port: this.#port, tls, serverName };
    if (socket.alpnProtocol === 'h2') this.#onH2(socket, { ...origin, httpVersion: '2.0' });
    else this.#options.accept(new PlainSide(socket), { ...origin, httpVersion: null });
  }

  #onH2(socket: TLSSocket, origin: Origin): void {
    const session: ServerHttp2Session = performServerHandshake(socket, {
      maxHeaderListPairs: HEADERS_MAX + 8,
      settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: REQUEST_HEAD_MAX },
    });
    this.#sessions.add(session);
    session.on('close', () => this.#sessions.delete(session));
    session.on('error', () => undefined);
    let open = 0;
    session.setTimeout(this.#options.idleMs, () => {
      // Requests have deadlines of their own.
      if (open === 0) session.close();
    });
    session.on('stream', (stream, headers, flags) => {
      open += 1;
      stream.on('close', () => (open -= 1));
      const ended = (flags & END_STREAM) !== 0;
      this.#options.accept(new H2Side(stream, headers, ended), origin);
    });
  }
}

/** Flag of a HEADERS frame behind which no body comes (RFC 9113, 6.2). */
const END_STREAM = 1;
