import { type BodySink, ChunkReader } from './chunked.ts';
import type { Transfer } from './transfer.ts';
import type { FailureKey } from './failures.ts';
import { textOf } from './latin1.ts';
import { INTERIM_MAX, RESPONSE_HEAD_MAX } from './limits.ts';
import { ResponseHead } from './response-head.ts';
import { bytesOf } from './tokens.ts';
import { httpDate, VIA } from './words.ts';

const HEAD = new ResponseHead();
/** The largest status that means anything (RFC 9110, 15). */
const STATUS_MAX = 599;
/** The end of most heads. */
const PLAIN_END = `Via: ${VIA}\r\n\r\n`;

/** How the body comes from the dyno. */
type State = 'head' | 'length' | 'chunked' | 'until-close' | 'done';

/** Reads one answer of a dyno and hands it on to the client, piece by piece as it comes. */
export class Answer implements BodySink {
  readonly #exchange: Transfer;
  #state: State = 'head';
  /** The beginning of a head. */
  #text = '';
  #left = 0;
  #chunks: ChunkReader | null = null;
  /** The body gets its chunks here, as the dyno did not tell where it ends. */
  #framing = false;
  #interims = 0;
  #continued = false;
  #idleMs = 0;
  #silent = true;

  constructor(exchange: Transfer) {
    this.#exchange = exchange;
  }

  /** Nothing at all came so far. */
  get isSilent(): boolean {
    return this.#silent;
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#silent = false;
    let at = 0;
    while (at < length && this.#state !== 'done') {
      at = this.#state === 'head' ? this.#readHead(buffer, at, length) : this.#readBody(buffer, at, length);
      // Over, or a tunnel that has taken the rest.
      if (at < 0) return;
    }
    const { wire } = this.#exchange.client;
    wire.flush();
    if (this.#state === 'done') this.#exchange.onAnswerEnds(at < length ? 0 : this.#idleMs);
    else this.#exchange.onProgress();
  }

  /** The dyno says nothing more; false when its answer is not whole. */
  onEnd(): boolean {
    if (this.#state !== 'until-close') return false;
    if (this.#framing) this.#exchange.client.wire.text('0\r\n\r\n');
    this.#exchange.client.wire.flush();
    this.#state = 'done';
    this.#exchange.onAnswerEnds(0);
    return true;
  }

  span(buffer: Buffer, from: number, to: number): void {
    this.#exchange.client.wire.bytes(buffer, from, to);
  }

  text(text: string): void {
    this.#exchange.client.wire.text(text);
  }

  #readHead(buffer: Buffer, from: number, to: number): number {
    // Nearly every head comes in one piece.
    if (this.#text === '') {
      const problem = HEAD.read(buffer, from, to);
      if (HEAD.end > 0) return this.#onHead(problem, buffer, HEAD.end, to);
    }
    return this.#gatherHead(buffer, from, to);
  }

  /** Reads a head that comes in pieces, or that is none. */
  #gatherHead(buffer: Buffer, from: number, to: number): number {
    const before = this.#text;
    const text = before + textOf(buffer, from, to);
    const end = text.indexOf('\r\n\r\n', Math.max(0, before.length - 3)) + 4;
    if (end < 4) {
      this.#text = text;
      const broken =
        !'HTTP/1.'.startsWith(text.slice(0, 7)) || /[^\r]\n/.test(text.slice(Math.max(0, before.length - 1)));
      if (broken) return this.#fail('H17');
      return text.length > RESPONSE_HEAD_MAX ? this.#fail('H25_header') : to;
    }
    this.#text = '';
    return this.#onHead(HEAD.read(bytesOf(text, end), 0, end), buffer, from + end - before.length, to);
  }

  /**
   * Does what the head says.
   * @param at behind the head
   * @returns up to where the bytes are dealt with, or -1 when the answer is over
   */
  #onHead(problem: FailureKey | null, buffer: Buffer, at: number, to: number): number {
    if (problem !== null) return this.#fail(problem);
    // HTTP/2 has no place for what is no status.
    if (HEAD.status > STATUS_MAX && this.#exchange.httpVersion === '2.0') return this.#fail('H17');
    if (HEAD.status === 101) return this.#upgrade(buffer, at, to);
    if (HEAD.status < 200) return this.#interim() ? at : this.#fail('H17');
    this.#begin();
    return at;
  }

  #fail(key: FailureKey): number {
    this.#exchange.fail(key);
    return -1;
  }

  /** False when the dyno says what it may not say. */
  #interim(): boolean {
    const { client, minor } = this.#exchange;
    if (++this.#interims > INTERIM_MAX) return false;
    if (HEAD.status === 100) {
      // The router has answered the client's question already (reference: heroku-platform 4.4).
      const second = this.#continued;
      this.#continued = true;
      return !second;
    }
    if (minor === 1) {
      HEAD.sendKept(this);
      client.wire.text(`${viaLine()}\r\n`);
    }
    return true;
  }

  #upgrade(buffer: Buffer, at: number, to: number): number {
    const exchange = this.#exchange;
    if (!exchange.upgrade) return this.#fail('H17');
    const { client } = exchange;
    HEAD.sendKept(this);
    client.wire.text(`${viaLine()}${exchange.affinityLine}Connection: Upgrade\r\n\r\n`);
    client.wire.flush();
    this.#state = 'done';
    exchange.onUpgrade();
    if (at < to) exchange.onBytes(buffer.subarray(at, to), to - at);
    return -1;
  }

  #begin(): void {
    const exchange = this.#exchange;
    const { client, method } = exchange;
    const { status } = HEAD;
    const bodiless = method === 'HEAD' || status === 204 || status === 304;
    this.#idleMs = HEAD.keepAlive ? HEAD.keepAliveMs : 0;
    this.#left = HEAD.length;
    this.#state = bodiless || HEAD.length === 0 ? 'done' : HEAD.kind;
    const framing = HEAD.kind === 'length' ? '' : this.#framingLines(bodiless);
    exchange.endsWithConnection = !bodiless && framing === '' && HEAD.kind !== 'length';
    if (exchange.endsWithConnection) client.closeAfter();
    const { wire } = client;
    HEAD.sendKept(this);
    if (framing !== '') wire.text(framing);
    if (!HEAD.hasServer) wire.text('Server: Heroku\r\n');
    if (!HEAD.hasDate) wire.text(`Date: ${httpDate(exchange.plane.clock.now())}\r\n`);
    const connection = exchange.affinityLine + client.connectionLine();
    wire.text(HEAD.via === '' && connection === '' ? PLAIN_END : `${viaLine()}${connection}\r\n`);
    if (this.#state === 'chunked') this.#chunks = new ChunkReader(this.#takesChunks);
    exchange.onAnswerBegins(status);
  }

  /** A client that wanted to leave HTTP gets the end of the connection as the end of the answer. */
  get #takesChunks(): boolean {
    return this.#exchange.minor === 1 && !this.#exchange.upgrade;
  }

  /** The lines that tell the client where a body of unknown length ends; empty where the end of the connection tells it. */
  #framingLines(bodiless: boolean): string {
    if (!this.#takesChunks || HEAD.status === 204 || HEAD.status === 304) return '';
    if (HEAD.kind === 'chunked') return `${HEAD.trailer}Transfer-Encoding: chunked\r\n`;
    this.#framing = !bodiless;
    return bodiless ? '' : 'Transfer-Encoding: chunked\r\n';
  }

  #readBody(buffer: Buffer, from: number, to: number): number {
    if (this.#chunks !== null) return this.#readChunks(this.#chunks, buffer, from, to);
    const { wire } = this.#exchange.client;
    const at = this.#state === 'length' ? Math.min(to, from + this.#left) : to;
    if (this.#framing) wire.text(`${(at - from).toString(16)}\r\n`);
    wire.bytes(buffer, from, at);
    if (this.#framing) wire.text('\r\n');
    this.#took(at - from);
    return at;
  }

  /** Counts bytes of a body that is not chunked. */
  #took(size: number): void {
    this.#exchange.bytes += size;
    if (this.#state !== 'length') return;
    this.#left -= size;
    if (this.#left === 0) this.#state = 'done';
  }

  #readChunks(chunks: ChunkReader, buffer: Buffer, from: number, to: number): number {
    const at = chunks.feed(buffer, from, to, this);
    this.#exchange.bytes = chunks.dataBytes;
    if (at < 0) {
      this.#exchange.client.wire.flush();
      return this.#fail('H17');
    }
    if (chunks.done) this.#state = 'done';
    return at;
  }
}

function viaLine(): string {
  return `Via: ${HEAD.via}${VIA}\r\n`;
}
