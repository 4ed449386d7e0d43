import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { Duplex } from 'node:stream';
import { type BodySink, ChunkReader } from './chunked.ts';
import { textOf } from './latin1.ts';
import type { ClientStream } from './plain-side.ts';
import { ResponseHead } from './response-head.ts';
import { bytesOf } from './tokens.ts';

/** Belong to one connection, and HTTP/2 has no place for them (RFC 9113, 8.2.2). */
const OF_A_CONNECTION =
  /^(connection|keep-alive|proxy-connection|transfer-encoding|upgrade|te|http2-settings)$/;
/** Headers that may stand in a message once; Node refuses a second one. */
const ONCE =
  /^(age|authorization|content-(encoding|language|length|location|md5|range|type)|date|etag|expires|last-modified|location|referer|retry-after|server|user-agent)$/;
/** What the status line is not. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEAD = new ResponseHead();

/**
 * One stream of HTTP/2 as a connection of HTTP/1.1 with one request: what the client sends comes out as a message that the router reads
 * like any other, so that every rule holds for it, and the router's answer goes back as frames.
 */
export class H2Side extends Duplex implements ClientStream, BodySink {
  readonly remoteAddress: string | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #method: string;
  /** The request's body has no length of its own and is told in chunks. */
  readonly #chunked: boolean;
  #text = '';
  #state: 'head' | 'length' | 'chunked' | 'done' = 'head';
  #left = 0;
  #chunks: ChunkReader | null = null;
  #body: Buffer[] = [];
  /** What the client said behind its body, as lines. */
  #trailers = '';

  /** @param ended the request has no body */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ended: boolean) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.remoteAddress = stream.session?.socket.remoteAddress;
    this.#method = headers[':method'] ?? '';
    // Trailers have a place behind chunks alone.
    this.#chunked = !ended && (headers['content-length'] === undefined || headers['trailer'] !== undefined);
    this.push(requestHead(headers, this.#chunked), 'latin1');
    stream.on('data', (chunk: Buffer) => {
      this.#onBody(chunk);
    });
    stream.on('trailers', (trailers) => {
      this.#trailers = linesOf(trailers);
    });
    stream.on('end', () => {
      if (this.#chunked) this.push(`0\r\n${this.#trailers}\r\n`, 'latin1');
    });
    stream.on('wantTrailers', () => {
      stream.sendTrailers(headersOf(this.#chunks?.trailers ?? ''));
    });
    // A break of the rules, unlike the client's own wish to end, has a code; see `isStreamBroken`.
    stream.on('error', (error) => this.destroy(error));
    stream.on('close', () => this.destroy());
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    let at = 0;
    while (at < chunk.length && this.#state !== 'done')
      at = this.#state === 'head' ? this.#readHead(chunk, at) : this.#readBody(chunk, at);
    this.#send(done);
  }

  override _final(done: () => void): void {
    done();
    if (this.#state !== 'done') this.#break();
    // The rest of a body that nobody wants any more.
    else if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const stream = this.#stream;
    if (this.#state !== 'done' || !stream.writableFinished) this.#break();
    // A request whose body nobody reads any more would stay for as long as its client is there.
    else if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    done(error);
  }

  span(buffer: Buffer, from: number, to: number): void {
    if (to > from) this.#body.push(buffer.subarray(from, to));
  }

  text(): void {
    // Framing, which HTTP/2 has of its own.
  }

  /** Has the client see an error. `close` with a code would end the stream first, which looks like the end of the answer. */
  #break(): void {
    this.#stream.destroy(new Error('the answer is not whole'));
  }

  #onBody(chunk: Buffer): void {
    if (this.#chunked) this.push(`${chunk.length.toString(16)}\r\n`, 'latin1');
    let goesOn = this.push(chunk);
    if (this.#chunked) goesOn = this.push('\r\n', 'latin1');
    if (!goesOn) this.#stream.pause();
  }

  #readHead(chunk: Buffer, from: number): number {
    const before = this.#text;
    const text = before + textOf(chunk, from, chunk.length);
    const end = text.indexOf('\r\n\r\n', Math.max(0, before.length - 3)) + 4;
    if (end < 4) {
      this.#text = text;
      return chunk.length;
    }
    this.#text = '';
    const at = from + end - before.length;
    // What the router says keeps the rules; anything else is a fault of ours, and the client must not take it for an answer.
    if (HEAD.read(bytesOf(text, end), 0, end) !== null) this.destroy();
    else this.#onHead();
    return this.destroyed ? chunk.length : at;
  }

  #onHead(): void {
    try {
      if (HEAD.status >= 200) this.#begin();
      else if (!this.#isGone) this.#stream.additionalHeaders(responseHeaders());
    } catch {
      // Node is stricter with some heads than the router. One dyno's answer must not end what serves all of them.
      this.destroy();
    }
  }

  #begin(): void {
    const bodiless = this.#method === 'HEAD' || HEAD.status === 204 || HEAD.status === 304;
    const ends = bodiless || HEAD.length === 0;
    this.#left = HEAD.length;
    this.#state = ends ? 'done' : HEAD.kind === 'chunked' ? 'chunked' : 'length';
    if (this.#state === 'chunked') this.#chunks = new ChunkReader(false);
    if (this.#isGone) return;
    const waitForTrailers = this.#state === 'chunked';
    this.#stream.respond(responseHeaders(), { endStream: ends, waitForTrailers });
  }

  /** The client takes nothing more. */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #readBody(chunk: Buffer, from: number): number {
    if (this.#chunks !== null) {
      const at = this.#chunks.feed(chunk, from, chunk.length, this);
      if (this.#chunks.done) this.#state = 'done';
      return at < 0 ? chunk.length : at;
    }
    const at = Math.min(chunk.length, from + this.#left);
    this.span(chunk, from, at);
    this.#left -= at - from;
    if (this.#left === 0) this.#state = 'done';
    return at;
  }

  /** Hands on what came of the body; `done` is called when there is room for more. */
  #send(done: (error?: Error | null) => void): void {
    const [first, ...more] = this.#body;
    this.#body = [];
    const body = first === undefined ? null : more.length === 0 ? first : Buffer.concat([first, ...more]);
    const stream = this.#stream;
    if (this.#isGone || stream.writableEnded) done();
    else if (this.#state === 'done') {
      // The client takes it when it likes, and the router waits for that.
      if (body === null) stream.end(done);
      else stream.end(body, done);
    } else if (body === null) done();
    else stream.write(body, done);
  }
}

/** The request's head in the form of HTTP/1.1. What is wrong with it, the router's parser finds. */
function requestHead(headers: IncomingHttpHeaders, chunked: boolean): string {
  const host = headers[':authority'] ?? headers.host ?? '';
  const { host: _host, ...others } = headers;
  if (chunked) delete others['content-length'];
  const coding = chunked ? 'transfer-encoding: chunked\r\n' : '';
  return (
    `${headers[':method'] ?? ''} ${headers[':path'] ?? ''} HTTP/1.1\r\nhost: ${host}\r\n` +
    `${linesOf(others)}${coding}connection: close\r\n\r\n`
  );
}

/** Headers as lines of HTTP/1.1, each with its CRLF, without those that have no place there. */
function linesOf(headers: IncomingHttpHeaders): string {
  let lines = '';
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || OF_A_CONNECTION.test(name)) continue;
    for (const each of Array.isArray(value) ? value : [value ?? '']) lines += `${name}: ${each}\r\n`;
  }
  return lines;
}

/** Of the head that was read last. */
function responseHeaders(): OutgoingHttpHeaders {
  const headers = headersOf(HEAD.kept + HEAD.trailer);
  if (HEAD.via !== '') headers['via'] = HEAD.via.replace(/, $/, '');
  if (HEAD.length >= 0) headers['content-length'] = String(HEAD.length);
  return { ...headers, ':status': HEAD.status };
}

/** Lines of HTTP/1.1, each with its CRLF, as headers of HTTP/2. */
function headersOf(lines: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (!TOKEN.test(name) || OF_A_CONNECTION.test(name)) continue;
    const value = line.slice(colon + 1).trim();
    const known = headers[name];
    if (name === 'set-cookie') headers[name] = [...(Array.isArray(known) ? known : []), value];
    else if (known === undefined) headers[name] = value;
    else if (!ONCE.test(name)) headers[name] = `${known.toString()}, ${value}`;
  }
  return headers;
}
