import type { RouterLogLine } from './log-batch.ts';
import type { Clock } from '../util/clock.ts';

/** How long lines wait for earlier ones of another thread, in milliseconds; a thread tells its own every 20. */
const HOLD_MS = 50;

/** Brings the lines of several threads into one order for each app, that of the ends of its requests. */
export class LineMerger {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #log: (appId: string, lines: readonly RouterLogLine[]) => void;
  #held = new Map<string, RouterLogLine[]>();
  /** Microseconds since the epoch: of the newest line, and of the newest one that has waited for `HOLD_MS`. */
  #newest = 0;
  #ripe = 0;
  #cancel: (() => void) | null = null;

  /** @param log takes the lines of an app in their order */
  constructor(clock: Pick<Clock, 'after'>, log: (appId: string, lines: readonly RouterLogLine[]) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Takes lines of one thread. */
  add(appId: string, lines: readonly RouterLogLine[]): void {
    const held = this.#held.get(appId) ?? [];
    this.#held.set(appId, held);
    for (const line of lines) {
      held.push(line);
      this.#newest = Math.max(this.#newest, line.at);
    }
    this.#arm();
  }

  /** Hands on all that waits. */
  flush(): void {
    this.#ripe = this.#newest;
    this.#handOn();
  }

  #arm(): void {
    this.#cancel ??= this.#clock.after(HOLD_MS, () => {
      this.#cancel = null;
      this.#handOn();
    });
  }

  #handOn(): void {
    const held = this.#held;
    this.#held = new Map();
    for (const [appId, lines] of held) {
      const ready = lines.filter(({ at }) => at <= this.#ripe).sort((a, b) => a.at - b.at);
      const early = lines.filter(({ at }) => at > this.#ripe);
      if (early.length > 0) this.#held.set(appId, early);
      if (ready.length > 0) this.#log(appId, ready);
    }
    this.#ripe = this.#newest;
    if (this.#held.size > 0) this.#arm();
    else this.#cancel?.();
    if (this.#held.size === 0) this.#cancel = null;
  }
}
