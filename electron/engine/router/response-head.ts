import type { BodySink } from './chunked.ts';
import type { FailureKey } from './failures.ts';
import { textOf } from './latin1.ts';
import { RESPONSE_COOKIE_MAX, RESPONSE_HEADER_MAX, RESPONSE_LINE_MAX } from './limits.ts';
import { byLength, knownName } from './request-head.ts';
import {
  bytesOf,
  CR,
  endOfValue,
  Field,
  hasMember,
  isText,
  lengthOf,
  LF,
  readField,
  SPACE,
} from './tokens.ts';

/** How the end of a response's body is found. */
export type AnswerKind = 'length' | 'chunked' | 'until-close';

const NAMES: readonly (readonly string[])[] = byLength([
  ...['connection', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection'],
  ...['content-length', 'transfer-encoding', 'trailer', 'via', 'server', 'date', 'set-cookie'],
]);

/** The only Connection header of most answers that have one. */
const KEEP_ALIVE = 'keep-alive';

/**
 * The head of a dyno's response, checked and taken apart (reference: heroku-platform 4.3 and 4.4; RFC 9112). One instance
 * serves all responses of a thread: each `read` overwrites what the last one found.
 */
export class ResponseHead {
  status = 0;
  kind: AnswerKind = 'until-close';
  /** Of the Content-Length; -1 without one. */
  length = -1;
  /** The dyno takes another request behind this answer. */
  keepAlive = true;
  /** Milliseconds that the dyno keeps the connection, if it says so. */
  keepAliveMs = Number.POSITIVE_INFINITY;
  via = '';
  hasServer = false;
  hasDate = false;
  /** `Trailer` lines, for an answer that stays chunked. */
  trailer = '';
  /** Behind the empty line that ends the head; 0 when what was read is none, or not the whole of one. */
  end = 0;

  readonly #field = new Field();
  #minor = 1;
  #codings = 0;
  #connection = '';
  #problem: FailureKey | null = null;
  /** What was read, and in pairs where pieces of it begin and end that the client gets as they came. */
  #bytes: Buffer = bytesOf('', 0);
  readonly #runs: number[] = [];
  #runCount = 0;

  /**
   * Reads the head that begins at `from`; what is behind it does not matter. The bytes are needed as long as `sendKept` is to be called.
   * @param to where the bytes end
   * @returns what is wrong with it, or null; see `end` too
   */
  read(bytes: Buffer, from: number, to: number): FailureKey | null {
    this.status = this.#codings = this.end = this.#runCount = 0;
    this.length = -1;
    this.keepAliveMs = Number.POSITIVE_INFINITY;
    this.via = this.trailer = this.#connection = '';
    this.hasServer = this.hasDate = false;
    this.#problem = null;
    this.#bytes = bytes;
    const first = this.#readStatusLine(bytes, from);
    if (first < 0) return 'H25_line';
    if (first === 0 || !this.#fields(bytes, from, first, to)) return this.#problem ?? 'H17';
    return this.#problem ?? this.#judge();
  }

  /**
   * Hands on status line and the header lines that the client gets as they came, each with its CRLF. The length is among them where
   * it may be told, a coding is not.
   */
  sendKept(sink: BodySink): void {
    if (this.#minor === 0) sink.text('HTTP/1.1');
    for (let i = 0; i < this.#runCount; i += 2)
      sink.span(this.#bytes, this.#runs[i] ?? 0, this.#runs[i + 1] ?? 0);
  }

  /** Same as text. */
  get kept(): string {
    let text = this.#minor === 0 ? 'HTTP/1.1' : '';
    for (let i = 0; i < this.#runCount; i += 2)
      text += textOf(this.#bytes, this.#runs[i] ?? 0, this.#runs[i + 1] ?? 0);
    return text;
  }

  /** @returns where the header lines begin, 0 for no status line, -1 for one that is too long */
  #readStatusLine(bytes: Buffer, from: number): number {
    if (!isText(bytes, from, from + 7, 'HTTP/1.')) return 0;
    this.#minor = (bytes[from + 7] ?? 0) - 48;
    if ((this.#minor !== 0 && this.#minor !== 1) || bytes[from + 8] !== SPACE) return 0;
    const lineEnd = endOfValue(bytes, from + 9);
    if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) return 0;
    if (lineEnd - from > RESPONSE_LINE_MAX) return -1;
    // Three digits, a space and a reason phrase, which may be empty (RFC 9112, 4); Tomcat never sends one.
    if (lineEnd < from + 13 || bytes[from + 12] !== SPACE) return 0;
    for (let at = from + 9; at < from + 12; at++) {
      const digit = (bytes[at] ?? 0) - 48;
      if (!(digit >= 0 && digit <= 9)) return 0;
      this.status = this.status * 10 + digit;
    }
    return this.status >= 100 ? lineEnd + 2 : 0;
  }

  /** @param first where the header lines begin; false when their end is not found */
  #fields(bytes: Buffer, from: number, first: number, to: number): boolean {
    const field = this.#field;
    let runStart = this.#minor === 0 ? from + 'HTTP/1.0'.length : from;
    let at = first;
    while (bytes[at] !== CR) {
      if (!readField(bytes, at, field) || field.next > to) return false;
      if (field.next - 2 - at > RESPONSE_HEADER_MAX) this.#problem ??= 'H25_header';
      const name = knownName(NAMES, bytes, at, field.nameEnd);
      if (name !== '' && !this.#note(name, bytes)) {
        if (name === 'trailer') this.trailer += textOf(bytes, at, field.next);
        this.#keep(runStart, at);
        runStart = field.next;
      }
      at = field.next;
    }
    if (bytes[at + 1] !== LF || at + 2 > to) return false;
    this.#keep(runStart, at);
    this.end = at + 2;
    return true;
  }

  #keep(from: number, to: number): void {
    if (to === from) return;
    this.#runs[this.#runCount++] = from;
    this.#runs[this.#runCount++] = to;
  }

  /** Takes a header into account; false when the client does not get its line as it is. */
  #note(name: string, bytes: Buffer): boolean {
    const { valueStart, valueEnd } = this.#field;
    switch (name) {
      case 'server':
        this.hasServer = true;
        return true;
      case 'date':
        this.hasDate = true;
        return true;
      case 'set-cookie':
        if (valueEnd - valueStart > RESPONSE_COOKIE_MAX) this.#problem ??= 'H25_cookie';
        return true;
      case 'content-length':
        return this.#noteLength(lengthOf(bytes, valueStart, valueEnd));
      case 'transfer-encoding':
        this.#codings += textOf(bytes, valueStart, valueEnd).toLowerCase() === 'chunked' ? 1 : 2;
        return false;
      case 'via':
        this.via = `${this.via}${textOf(bytes, valueStart, valueEnd)}, `;
        return false;
      case 'connection':
        this.#noteConnection(bytes, valueStart, valueEnd);
        return false;
      case 'keep-alive':
        this.#noteKeepAlive(textOf(bytes, valueStart, valueEnd));
        return false;
      default:
        return false;
    }
  }

  #noteConnection(bytes: Buffer, from: number, to: number): void {
    const value = isText(bytes, from, to, KEEP_ALIVE) ? KEEP_ALIVE : textOf(bytes, from, to);
    this.#connection = this.#connection === '' ? value : `${this.#connection},${value}`;
  }

  #noteLength(length: number): boolean {
    const isFirst = this.length < 0;
    if (length < 0 || (!isFirst && this.length !== length)) this.#problem ??= 'H25_length';
    this.length = length;
    // An answer that has no body by its status tells no length (RFC 9110, 8.6).
    return isFirst && this.status >= 200 && this.status !== 204;
  }

  /** `timeout=N`, with a second to spare. */
  #noteKeepAlive(value: string): void {
    const seconds = /(?:^|[\s,])timeout=(\d{1,9})/i.exec(value)?.[1];
    if (seconds !== undefined) this.keepAliveMs = Math.max(0, Number(seconds) * 1000 - 1000);
  }

  #judge(): FailureKey | null {
    if (this.#codings > 1 || (this.#codings === 1 && this.#minor === 0)) return 'H17';
    // Two ways to tell one length: nobody knows which of them the next one believes.
    if (this.#codings === 1 && this.length >= 0) return 'H25_length';
    this.kind = this.#codings === 1 ? 'chunked' : this.length >= 0 ? 'length' : 'until-close';
    const connection = this.#connection;
    if (connection === '') this.keepAlive = this.#minor === 1;
    else if (connection === KEEP_ALIVE) this.keepAlive = true;
    else if (this.#minor === 1) this.keepAlive = !hasMember(connection, 'close');
    else this.keepAlive = hasMember(connection, 'keep-alive');
    return null;
  }
}
