import { textOf } from './latin1.ts';
import { CHUNK_LINE_MAX, HEADERS_MAX, TRAILERS_MAX } from './limits.ts';
import { bytesOf, CR, Field, LF, readField } from './tokens.ts';
import { byLength, knownName } from './request-head.ts';

/** Where the checked parts of a body go. */
export interface BodySink {
  /** Bytes of the body itself, or of its framing when that is kept. Only valid during the call. */
  span(buffer: Buffer, from: number, to: number): void;
  /** Text of the framing, one character for each byte. */
  text(text: string): void;
}

/** Fields that steer a message have no place behind it (RFC 9110, 6.5.1); they are left out. */
const NO_TRAILERS = byLength([
  ...['connection', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection', 'upgrade', 'expect'],
  ...[
    'host',
    'content-length',
    'transfer-encoding',
    'trailer',
    'via',
    'authorization',
    'set-cookie',
    'cookie',
  ],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-request-id', 'x-request-start'],
  ...[
    'connect-time',
    'total-route-time',
    'content-encoding',
    'content-type',
    'content-range',
    'cache-control',
  ],
]);

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILERS = 6;
const DONE = 7;

/**
 * Follows a chunked body and passes on what keeps the rules, byte for byte where it can: sizes of at most 13 hex digits, CRLF
 * only. Chunk extensions are checked and left out, nobody behind the router needs them (RFC 9112, 7.1).
 */
export class ChunkReader {
  /** Bytes of the body itself so far. */
  dataBytes = 0;
  /** Behind the end, when the framing is not kept: the trailer lines that may be passed on, each with its CRLF. */
  trailers = '';
  readonly #keepFraming: boolean;
  #state = SIZE;
  #digits = 0;
  #left = 0;
  #line = 0;
  #pending = '';

  /** @param keepFraming false when the sink wants the body alone */
  constructor(keepFraming: boolean) {
    this.#keepFraming = keepFraming;
  }

  get done(): boolean {
    return this.#state === DONE;
  }

  /**
   * Reads on from `from`; stops behind the body's end or at `to`.
   * @returns where it stopped, or -1 when the body breaks the rules; what was fine until there has been passed on
   */
  feed(buffer: Buffer, from: number, to: number, sink: BodySink): number {
    let at = from;
    let start = from;
    while (at < to) {
      if (this.#state === DATA) {
        const size = Math.min(this.#left, to - at);
        if (!this.#keepFraming) sink.span(buffer, at, at + size);
        this.dataBytes += size;
        this.#left -= size;
        at += size;
        if (this.#left === 0) this.#state = DATA_CR;
        continue;
      }
      if (this.#state === TRAILERS) {
        this.#pass(buffer, start, at, sink);
        return this.#readTrailers(buffer, at, to, sink);
      }
      const before = this.#state;
      const code = buffer[at] ?? 0;
      if (!this.#step(code)) {
        this.#pass(buffer, start, at, sink);
        return -1;
      }
      // An extension is not passed on: the span ends before it and begins again at its CR.
      if (before === SIZE && this.#state === EXTENSION) this.#pass(buffer, start, at, sink);
      else if (before === EXTENSION && this.#state === SIZE_LF) start = at;
      at++;
    }
    if (this.#state !== EXTENSION) this.#pass(buffer, start, at, sink);
    return at;
  }

  #pass(buffer: Buffer, from: number, to: number, sink: BodySink): void {
    if (this.#keepFraming && to > from) sink.span(buffer, from, to);
  }

  #step(code: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#stepSize(code);
      case EXTENSION:
        if (code === CR) this.#state = SIZE_LF;
        else if (++this.#line > CHUNK_LINE_MAX || (code < 32 && code !== 9) || code === 127) return false;
        return true;
      case SIZE_LF:
        if (code !== LF) return false;
        this.#state = this.#left > 0 ? DATA : TRAILERS;
        return true;
      case DATA_CR:
        this.#state = DATA_LF;
        return code === CR;
      case DATA_LF:
        this.#state = SIZE;
        this.#digits = this.#line = 0;
        return code === LF;
      default:
        return false;
    }
  }

  #stepSize(code: number): boolean {
    const digit = hexDigit(code);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits <= 13;
    }
    if (this.#digits === 0) return false;
    if (code === CR) this.#state = SIZE_LF;
    else if (code === 59) this.#state = EXTENSION;
    else return false;
    return true;
  }

  /** Collects what is behind the last chunk, up to the empty line. */
  #readTrailers(buffer: Buffer, from: number, to: number, sink: BodySink): number {
    const before = this.#pending.length;
    const text = this.#pending + textOf(buffer, from, Math.min(to, from + TRAILERS_MAX + 4));
    let end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end < 0) {
      this.#pending = text;
      return text.length > TRAILERS_MAX || /(^|[^\r])\n/.test(text) ? -1 : to;
    }
    if (end > 0) end += 2;
    const kept = keptTrailers(text, end);
    if (kept === null) return -1;
    if (this.#keepFraming) sink.text(`${kept}\r\n`);
    else this.trailers = kept;
    this.#state = DONE;
    return from + end + 2 - before;
  }
}

/** The trailer lines that are passed on, or null when one of them is none. */
function keptTrailers(text: string, end: number): string | null {
  const field = new Field();
  const bytes = bytesOf(text, end);
  let kept = '';
  let count = 0;
  for (let at = 0; at < end; at = field.next) {
    if (!readField(bytes, at, field) || field.next > end || ++count > HEADERS_MAX) return null;
    if (knownName(NO_TRAILERS, bytes, at, field.nameEnd) === '') kept += text.slice(at, field.next);
  }
  return kept;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
