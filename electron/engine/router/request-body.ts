import type { Wire } from './wire.ts';

/** The body of a request on its way to a dyno; as long as little of it was sent, it can be sent once more to another. */
export class RequestBody {
  /** All of it has come from the client. */
  complete = false;
  /** The connection that gets it; null while there is none. */
  attached: Wire | null = null;
  readonly #again: boolean;
  readonly #keepBytes: number;
  /** What came so far; null once that is too much to remember. */
  #kept: (Buffer | string)[] | null = [];
  #size = 0;

  /**
   * @param again a second dyno may get it
   * @param keepBytes most bytes to remember
   */
  constructor(again: boolean, keepBytes: number) {
    this.#again = again;
    this.#keepBytes = keepBytes;
  }

  /** True while `attach` can be called once more. */
  get repeatable(): boolean {
    return this.#kept !== null;
  }

  /** Keeps a part for the dyno to come; true when that is enough for now. */
  keep(buffer: Buffer, from: number, to: number): boolean {
    this.#kept?.push(Buffer.from(buffer.subarray(from, to)));
    this.#size += to - from;
    return this.#size >= this.#keepBytes;
  }

  /** Sends what came so far, and everything that comes later. */
  attach(wire: Wire): void {
    this.attached = wire;
    const kept = this.#kept ?? [];
    if (!this.#again || this.#size > this.#keepBytes) this.#kept = null;
    for (const each of kept) {
      if (typeof each === 'string') wire.text(each);
      else wire.bytes(each, 0, each.length);
    }
  }

  /** Takes the body away from the dyno that has it. */
  detach(): void {
    this.attached = null;
  }

  /** Sends a part to the dyno that has the body. */
  send(buffer: Buffer, from: number, to: number): void {
    if (this.#kept !== null) {
      if (this.#size + to - from > this.#keepBytes) this.#kept = null;
      else this.keep(buffer, from, to);
    }
    this.attached?.bytes(buffer, from, to);
  }

  /** Same for text of the framing. */
  text(text: string): void {
    this.#kept?.push(text);
    this.attached?.text(text);
  }
}
