import type { Clock } from '../util/clock.ts';

/** Tells once when nothing has happened for a while; noting that something happened costs one assignment. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onIdle: () => void;
  #last: number;
  #cancel: () => void;

  constructor(clock: Clock, ms: number, onIdle: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onIdle = onIdle;
    this.#last = clock.now();
    this.#cancel = clock.after(ms, () => {
      this.#look();
    });
  }

  /** Something happened. */
  touch(): void {
    this.#last = this.#clock.now();
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const left = this.#last + this.#ms - this.#clock.now();
    if (left <= 0) {
      this.#onIdle();
      return;
    }
    this.#cancel = this.#clock.after(left, () => {
      this.#look();
    });
  }
}
