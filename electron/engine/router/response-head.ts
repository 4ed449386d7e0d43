import type { FailureKey } from './failures.ts';
import { RESPONSE_COOKIE_MAX, RESPONSE_HEADER_MAX, RESPONSE_LINE_MAX } from './limits.ts';
import { byLength, knownName } from './request-head.ts';
import { bytesOf, CR, endOfValue, Field, hasMember, lengthOf, LF, readField, SPACE } from './tokens.ts';

/** How the end of a response's body is found. */
export type AnswerKind = 'length' | 'chunked' | 'until-close';

const NAMES: readonly (readonly string[])[] = byLength([
  ...['connection', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection'],
  ...['content-length', 'transfer-encoding', 'trailer', 'via', 'server', 'date', 'set-cookie'],
]);

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
  /**
   * Status line and the header lines that the client gets as they came, each with its CRLF. The length is among them where it
   * may be told, a coding is not.
   */
  kept = '';
  /** `Trailer` lines, for an answer that stays chunked. */
  trailer = '';

  readonly #field = new Field();
  #minor = 1;
  #codings = 0;
  #connection = '';
  #kept = '';
  #problem: FailureKey | null = null;

  /**
   * @param text the head from its first character on, one character for each byte
   * @param end behind the empty line that ends it
   * @returns what is wrong with it, or null
   */
  read(text: string, end: number): FailureKey | null {
    this.status = this.#codings = 0;
    this.length = -1;
    this.keepAliveMs = Number.POSITIVE_INFINITY;
    this.via = this.kept = this.trailer = this.#connection = this.#kept = '';
    this.hasServer = this.hasDate = false;
    this.#problem = null;
    const bytes = bytesOf(text, end);
    const first = this.#readStatusLine(text, bytes);
    if (first < 0) return 'H25_line';
    if (first === 0 || !this.#fields(text, bytes, first, end)) return this.#problem ?? 'H17';
    return this.#problem ?? this.#judge();
  }

  /** @returns where the header lines begin, 0 for no status line, -1 for one that is too long */
  #readStatusLine(text: string, bytes: Uint8Array): number {
    if (!text.startsWith('HTTP/1.')) return 0;
    this.#minor = (bytes[7] ?? 0) - 48;
    if ((this.#minor !== 0 && this.#minor !== 1) || bytes[8] !== SPACE) return 0;
    const lineEnd = endOfValue(bytes, 9);
    if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) return 0;
    if (lineEnd > RESPONSE_LINE_MAX) return -1;
    // Three digits, a space and a reason phrase, which may be empty (RFC 9112, 4); Tomcat never sends one.
    if (lineEnd < 13 || bytes[12] !== SPACE) return 0;
    for (let at = 9; at < 12; at++) {
      const digit = (bytes[at] ?? 0) - 48;
      if (!(digit >= 0 && digit <= 9)) return 0;
      this.status = this.status * 10 + digit;
    }
    return this.status >= 100 ? lineEnd + 2 : 0;
  }

  #fields(text: string, bytes: Uint8Array, first: number, end: number): boolean {
    const field = this.#field;
    const last = end - 2;
    if (this.#minor === 0) this.#kept = `HTTP/1.1${text.slice('HTTP/1.0'.length, first)}`;
    let runStart = this.#minor === 0 ? first : 0;
    let at = first;
    while (at < last) {
      if (!readField(bytes, at, field) || field.next > last) return false;
      if (field.next - 2 - at > RESPONSE_HEADER_MAX) this.#problem ??= 'H25_header';
      const name = knownName(NAMES, bytes, at, field.nameEnd);
      if (name !== '' && !this.#note(name, text, bytes)) {
        if (name === 'trailer') this.trailer += text.slice(at, field.next);
        if (at > runStart) this.#kept += text.slice(runStart, at);
        runStart = field.next;
      }
      at = field.next;
    }
    if (last > runStart) this.#kept += text.slice(runStart, last);
    this.kept = this.#kept;
    return true;
  }

  /** Takes a header into account; false when the client does not get its line as it is. */
  #note(name: string, text: string, bytes: Uint8Array): boolean {
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
        this.#codings += text.slice(valueStart, valueEnd).toLowerCase() === 'chunked' ? 1 : 2;
        return false;
      case 'via':
        this.via = `${this.via}${text.slice(valueStart, valueEnd)}, `;
        return false;
      case 'connection':
        this.#connection += `${this.#connection === '' ? '' : ','}${text.slice(valueStart, valueEnd)}`;
        return false;
      case 'keep-alive':
        this.#noteKeepAlive(text.slice(valueStart, valueEnd));
        return false;
      default:
        return false;
    }
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
    else if (this.#minor === 1) this.keepAlive = !hasMember(connection, 'close');
    else this.keepAlive = hasMember(connection, 'keep-alive');
    return null;
  }
}
