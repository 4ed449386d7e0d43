import type { Fact } from '#shared/contract/facts.ts';

/** Most facts that wait for one slow reader; equal ones count once, so this is far above what apps can cause. */
const MAX_WAITING = 10_000;

/** Hands every fact to everyone who listens. */
export class FactHub {
  private readonly readers = new Set<(fact: Fact) => void>();

  publish(fact: Fact): void {
    for (const reader of this.readers) reader(fact);
  }

  /** Facts from now on. Equal facts that wait for the reader are merged into one. */
  async *open(signal: AbortSignal): AsyncIterable<Fact> {
    const waiting = new Map<string, Fact>();
    let wake = (): void => undefined;
    const reader = (fact: Fact): void => {
      if (waiting.size < MAX_WAITING) waiting.set(JSON.stringify(fact), fact);
      wake();
    };
    const aborted = (): void => {
      wake();
    };
    this.readers.add(reader);
    signal.addEventListener('abort', aborted);
    try {
      while (!signal.aborted) {
        const facts = [...waiting.values()];
        waiting.clear();
        yield* facts;
        if (waiting.size === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.readers.delete(reader);
      signal.removeEventListener('abort', aborted);
    }
  }
}
