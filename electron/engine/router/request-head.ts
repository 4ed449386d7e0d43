import { HEADER_LINE_MAX, HEADER_NAME_MAX, HEADERS_MAX, METHOD_MAX, REQUEST_LINE_MAX } from './limits.ts';
import {
  CR,
  endOfTarget,
  endOfToken,
  Field,
  hasMember,
  isHost,
  isName,
  isText,
  lengthOf,
  LF,
  readField,
  SLASH,
  SPACE,
} from './tokens.ts';

/** How the end of a request's body is found. */
export type BodyKind = 'none' | 'length' | 'chunked';

/** What is wrong with a head; `method` and `path` may be empty then. */
export type HeadProblem = 'bad' | 'connect' | 'expect';

/** Header names that mean something to the router, by their length: names of other lengths are passed on without a look. */
const NAMES: readonly (readonly string[])[] = byLength([
  ...['connection', 'keep-alive', 'te', 'proxy-authorization', 'proxy-connection'],
  ...['host', 'content-length', 'transfer-encoding', 'upgrade', 'expect', 'trailer', 'via'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-request-id', 'x-request-start'],
  ...['connect-time', 'total-route-time'],
]);

/** Names by their length; an empty list where there is none. */
export function byLength(names: readonly string[]): string[][] {
  const lists: string[][] = Array.from(
    { length: Math.max(...names.map((name) => name.length)) + 1 },
    () => [],
  );
  for (const name of names) lists[name.length]?.push(name);
  return lists;
}

/** The name among `lists` that the bytes between `start` and `end` spell, in lower case, or an empty text. */
export function knownName(
  lists: readonly (readonly string[])[],
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  const names = lists[end - start];
  if (names === undefined) return '';
  for (const name of names) if (isName(bytes, start, name)) return name;
  return '';
}

/**
 * A request's head, checked and taken apart (reference: heroku-platform 4.3 and 4.4; RFC 9112). One instance serves all
 * requests of a thread: each `read` overwrites what the last one found.
 */
export class RequestHead {
  method = '';
  /** Origin form or `*`, with the query string. */
  path = '';
  /** As sent. Also set for a bad head, where it could be read, for the log. */
  host = '';
  /** 0 or 1, of HTTP/1.x. */
  minor = 1;
  body: BodyKind = 'none';
  length = 0;
  keepAlive = true;
  /** The client wants to leave HTTP; never with a body, behind which nobody would know where to. */
  upgrade = false;
  expectsContinue = false;
  /** Addresses that the client named itself. */
  forwardedFor = '';
  via = '';
  requestId = '';
  /** Request line and header lines that a dyno gets as they came, each with its CRLF. */
  kept = '';
  /** Behind the empty line that ends the head; 0 when what was read is none, or not the whole of one. */
  end = 0;

  readonly #field = new Field();
  #hosts = 0;
  #lengths = 0;
  #codings = 0;
  #requestIds = 0;
  /** Of the last head, to be used again for the same: a text that was looked up once is looked up quickly. */
  #lastMethod = '';
  #lastHost = '';
  #connection = '';
  #expect = '';
  #hasUpgrade = false;
  #kept = '';
  #runStart = 0;
  /** The request line is the one that a dyno gets. */
  #plainLine = true;

  /**
   * Reads a head; what is behind it does not matter.
   * @param text the head from its first character on, one character for each byte
   * @param bytes the same
   * @param to where both end
   * @returns what is wrong with it, or null; see `end` too
   */
  read(text: string, bytes: Buffer, to: number): HeadProblem | null {
    this.#reset();
    const first = this.#requestLine(text, bytes);
    const fields = first > 0 && this.#fields(text, bytes, first, to);
    if (this.method === 'CONNECT') return 'connect';
    if (!fields || !this.#judge()) return 'bad';
    if (this.#expect !== '' && this.#expect.toLowerCase() !== '100-continue') return 'expect';
    this.expectsContinue = this.#expect !== '' && this.minor === 1;
    return null;
  }

  #reset(): void {
    this.method = this.path = this.host = this.forwardedFor = this.via = this.requestId = this.kept = '';
    this.#connection = this.#expect = this.#kept = '';
    this.#hosts = this.#lengths = this.#codings = this.#requestIds = this.length = this.end = 0;
    this.#hasUpgrade = this.upgrade = this.expectsContinue = false;
    this.body = 'none';
    this.minor = 1;
  }

  /** @returns where the header lines begin, or 0 */
  #requestLine(text: string, bytes: Uint8Array): number {
    const methodEnd = endOfToken(bytes, 0);
    if (methodEnd === 0 || methodEnd > METHOD_MAX || bytes[methodEnd] !== SPACE) return 0;
    if (!isText(bytes, 0, methodEnd, this.#lastMethod)) this.#lastMethod = text.slice(0, methodEnd);
    this.method = this.#lastMethod;
    const targetEnd = endOfTarget(bytes, methodEnd + 1);
    const lineEnd = targetEnd + ' HTTP/1.1'.length;
    if (lineEnd > REQUEST_LINE_MAX || bytes[targetEnd] !== SPACE) return 0;
    this.path = text.slice(methodEnd + 1, targetEnd);
    if (!isText(bytes, targetEnd + 1, targetEnd + 8, 'HTTP/1.')) return 0;
    this.minor = (bytes[lineEnd - 1] ?? 0) - 48;
    if (this.minor !== 0 && this.minor !== 1) return 0;
    return bytes[lineEnd] === CR && bytes[lineEnd + 1] === LF ? lineEnd + 2 : 0;
  }

  #fields(text: string, bytes: Uint8Array, first: number, to: number): boolean {
    const field = this.#field;
    let count = 0;
    let at = first;
    this.#plainLine = this.minor === 1 && this.path.charCodeAt(0) === SLASH;
    this.#runStart = this.#plainLine ? 0 : first;
    while (bytes[at] !== CR) {
      if (!readField(bytes, at, field) || field.next > to) return false;
      if (field.nameEnd - at > HEADER_NAME_MAX || field.next - 2 - at > HEADER_LINE_MAX) return false;
      if (++count > HEADERS_MAX) return false;
      const name = knownName(NAMES, bytes, at, field.nameEnd);
      if (name !== '' && !this.#note(name, text, bytes)) {
        if (at > this.#runStart) this.#kept += text.slice(this.#runStart, at);
        this.#runStart = field.next;
      }
      at = field.next;
    }
    if (bytes[at + 1] !== LF || at + 2 > to) return false;
    if (at > this.#runStart) this.#kept += text.slice(this.#runStart, at);
    this.end = at + 2;
    return true;
  }

  /** Takes a header into account; false when the dyno does not get its line. */
  #note(name: string, text: string, bytes: Uint8Array): boolean {
    const { valueStart, valueEnd } = this.#field;
    if (name === 'host') {
      this.#hosts += isHost(bytes, valueStart, valueEnd) ? 1 : 2;
      if (!isText(bytes, valueStart, valueEnd, this.#lastHost))
        this.#lastHost = text.slice(valueStart, valueEnd);
      this.host = this.#lastHost;
      return true;
    }
    const value = text.slice(valueStart, valueEnd);
    switch (name) {
      case 'content-length':
        this.#lengths++;
        this.length = lengthOf(bytes, valueStart, valueEnd);
        return true;
      case 'transfer-encoding':
        this.#codings += value.toLowerCase() === 'chunked' ? 1 : 2;
        return true;
      case 'upgrade':
        this.#hasUpgrade = true;
        return true;
      case 'trailer':
        return true;
      case 'connection':
        this.#connection = joined(this.#connection, value);
        return false;
      case 'expect':
        this.#expect = joined(this.#expect, value === '' ? '-' : value);
        return false;
      case 'via':
        this.via = joined(this.via, value);
        return false;
      case 'x-forwarded-for':
        this.forwardedFor = joined(this.forwardedFor, value);
        return false;
      case 'x-request-id':
        this.requestId = ++this.#requestIds === 1 ? value : '';
        return false;
      default:
        return false;
    }
  }

  /** What only the whole head tells: one Host, one framing, a target of this host. */
  #judge(): boolean {
    if (this.#hosts !== 1) return false;
    if (this.#lengths + this.#codings > 1 || this.length < 0) return false;
    if (this.#codings === 1 && this.minor === 0) return false;
    this.body = this.#codings === 1 ? 'chunked' : this.length > 0 ? 'length' : 'none';
    const connection = this.#connection;
    if (connection === '') this.keepAlive = this.minor === 1;
    else if (this.minor === 1) this.keepAlive = !hasMember(connection, 'close');
    else this.keepAlive = hasMember(connection, 'keep-alive') && !hasMember(connection, 'close');
    this.upgrade = this.#hasUpgrade && this.body === 'none' && hasMember(connection, 'upgrade');
    if (this.path.charCodeAt(0) !== SLASH && !this.#plainTarget()) return false;
    this.kept = this.#plainLine ? this.#kept : `${this.method} ${this.path} HTTP/1.1\r\n${this.#kept}`;
    if (this.#lengths === 0 && this.body === 'none' && hasBodyByMethod(this.method))
      this.kept += 'Content-Length: 0\r\n';
    return true;
  }

  /** Turns the other forms of a target into the one that a dyno gets. */
  #plainTarget(): boolean {
    if (this.path === '*') return this.method === 'OPTIONS';
    const absolute = /^https?:\/\/([^/?]+)([/?].*)?$/i.exec(this.path);
    if (absolute?.[1]?.toLowerCase() !== this.host.toLowerCase()) return false;
    const rest = absolute[2] ?? '/';
    this.path = rest.startsWith('/') ? rest : `/${rest}`;
    return true;
  }
}

/** A request with this method and without a body says so. */
function hasBodyByMethod(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

function joined(list: string, value: string): string {
  return list === '' ? value : `${list}, ${value}`;
}
