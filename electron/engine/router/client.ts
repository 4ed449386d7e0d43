import type { AppEntry } from './app-table.ts';
import { type BodySink, ChunkReader } from './chunked.ts';
import { ClientLink } from './client-link.ts';
import { noSuchApp } from './error-pages.ts';
import { Exchange } from './exchange.ts';
import { textOf } from './latin1.ts';
import { REQUEST_HEAD_MAX, REQUEST_LINE_MAX } from './limits.ts';
import { misdirection } from './origin.ts';
import { type HeadProblem, RequestHead } from './request-head.ts';
import { bytesOf, endOfToken } from './tokens.ts';

/** What is read as text in one go when a head begins: most heads, and little of a body behind them, which is not to become text. */
const PEEK = 2 * 1024;
const HEAD = new RequestHead();
const NOTHING = Buffer.alloc(0);

/** A client's connection: takes its requests apart, one behind the other, and gives each to an exchange. */
export class ClientConnection extends ClientLink implements BodySink {
  /** The beginning of a head. */
  #text = '';
  #left = 0;
  #chunks: ChunkReader | null = null;
  #processing = false;

  onBytes(buffer: Buffer, length: number): void {
    if (this.stash === null) this.#process(buffer, length);
    else this.#keep(buffer, 0, length);
    this.workOff();
  }

  span(buffer: Buffer, from: number, to: number): void {
    this.exchange?.onBody(buffer, from, to);
  }

  text(text: string): void {
    this.exchange?.onBodyText(text);
  }

  protected workOff(): void {
    while (this.stash !== null && !this.#processing && this.state !== 'busy') {
      const stash = this.stash;
      this.stash = null;
      this.#process(stash, stash.length);
    }
  }

  #process(buffer: Buffer, length: number): void {
    this.#processing = true;
    let at = 0;
    while (at < length && !this.wire.destroyed) {
      if (this.state === 'idle' || this.state === 'head') at = this.#readHead(buffer, at, length);
      else if (this.state === 'body') at = this.#readBody(buffer, at, length);
      else {
        if (this.state === 'busy') this.#keep(buffer, at, length);
        else if (this.state === 'tunnel') this.exchange?.onTunnel(buffer, at, length);
        at = length;
      }
    }
    this.#processing = false;
    this.exchange?.flush();
  }

  #keep(buffer: Buffer, from: number, to: number): void {
    const more = buffer.subarray(from, to);
    this.stash = this.stash === null ? Buffer.from(more) : Buffer.concat([this.stash, more]);
    if (this.stash.length > this.plane.limits.pipelineBytes) this.wire.pause();
  }

  #readHead(buffer: Buffer, from: number, to: number): number {
    const before = this.#text;
    let at = from;
    // Some clients say an empty line behind a body (RFC 9112, 2.2).
    if (before === '' && buffer[at] === 13 && buffer[at + 1] === 10 && at + 1 < to) at += 2;
    const peek = Math.min(to, at + PEEK);
    const text = before + textOf(buffer, at, peek);
    // Nearly every head comes in one piece, at the beginning of what was read.
    if (before === '' && at === 0) {
      const problem = HEAD.read(text, buffer, peek);
      if (HEAD.end > 0) {
        const end = HEAD.end;
        this.#onHead(end > REQUEST_HEAD_MAX ? 'bad' : problem);
        return end;
      }
    }
    const end = text.indexOf('\r\n\r\n', Math.max(0, before.length - 3)) + 4;
    if (end < 4) {
      this.#onPartOfHead(text, before.length);
      return peek;
    }
    this.#text = '';
    this.#onHead(end > REQUEST_HEAD_MAX ? 'bad' : HEAD.read(text, bytesOf(text, end), end));
    return at + end - before.length;
  }

  #onPartOfHead(text: string, before: number): void {
    const fresh = text.slice(Math.max(0, before - 1));
    const lineStart = text.lastIndexOf('\n') + 1;
    const hopeless =
      (text.length > 0 && endOfToken(bytesOf(text, 1), 0) === 0 && text !== '\r') ||
      /[^\r]\n/.test(fresh) ||
      text.length - lineStart > REQUEST_LINE_MAX + 2 ||
      text.length > REQUEST_HEAD_MAX;
    if (hopeless) {
      HEAD.read('', NOTHING, 0);
      this.#onHead('bad');
      return;
    }
    this.#text = text;
    if (this.state === 'head') return;
    this.state = 'head';
    this.setTimer(this.plane.limits.headMs);
  }

  #onHead(problem: HeadProblem | null): void {
    this.minor = HEAD.minor;
    // Who wants to leave HTTP may have begun to speak something else.
    this.keepAlive = HEAD.keepAlive && problem !== 'bad' && !HEAD.upgrade;
    this.state = HEAD.body === 'none' || problem === 'bad' ? 'busy' : 'body';
    this.#left = HEAD.length;
    if (problem === 'connect') {
      this.refuse(405);
      return;
    }
    const app = this.plane.table.findByHost(HEAD.host);
    if (app === undefined) this.#noApp(problem);
    else this.#begin(app, problem);
  }

  #noApp(problem: HeadProblem | null): void {
    const page =
      problem === 'bad' ? { status: 400, code: 'H26', appName: '', html: null } : noSuchApp(HEAD.host);
    if (HEAD.body === 'chunked') this.#chunks = new ChunkReader(false);
    this.page(page, HEAD.method, problem === 'bad');
    this.next();
  }

  #begin(app: AppEntry, problem: HeadProblem | null): void {
    const exchange = new Exchange(this.plane, this, app, HEAD);
    this.exchange = exchange;
    this.#chunks = HEAD.body === 'chunked' ? new ChunkReader(true) : null;
    if (problem === 'bad') exchange.fail('H26_header');
    else if (problem === 'expect') exchange.fail('H26_expect');
    else {
      let failure = this.origin === null ? null : misdirection(this.origin, HEAD.host);
      if (app !== this.app) failure ??= this.joinApp(app);
      if (failure === null) exchange.begin();
      else exchange.fail(failure);
    }
  }

  #readBody(buffer: Buffer, from: number, to: number): number {
    let at: number;
    if (this.#chunks === null) {
      at = Math.min(to, from + this.#left);
      this.#left -= at - from;
      this.span(buffer, from, at);
    } else {
      at = this.#chunks.feed(buffer, from, to, this);
      if (at < 0) {
        this.keepAlive = false;
        if (this.exchange === null) this.close();
        else this.exchange.fail('H26_chunk');
        return to;
      }
    }
    if (this.#chunks === null ? this.#left === 0 : this.#chunks.done) this.#onBodyEnd();
    return at;
  }

  #onBodyEnd(): void {
    this.#chunks = null;
    if (this.exchange === null) {
      if (this.state === 'body') this.toIdle(this.plane.clock.steady());
      return;
    }
    this.state = 'busy';
    this.exchange.onBodyEnd();
  }
}
