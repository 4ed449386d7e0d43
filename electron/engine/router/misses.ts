import type { DynoEntry } from './dyno-entry.ts';

/** First wait, in milliseconds, when all dynos are in quarantine; it doubles up to 32 times that. */
const FIRST_POLL_MS = 50;

/** A dyno that could not be reached, and how long that took to show, in milliseconds. */
interface Miss {
  readonly kind: 'refused' | 'timeout';
  readonly dyno: DynoEntry;
  readonly ms: number;
}

/** What a request has tried in vain. */
export class Misses {
  readonly tried = new Set<DynoEntry>();
  last: Miss | null = null;
  #polls = 0;

  note(kind: Miss['kind'], dyno: DynoEntry, ms: number): void {
    this.tried.add(dyno);
    this.last = { kind, dyno, ms };
  }

  /** How long to wait before the dynos are looked at again. */
  nextPollMs(): number {
    return FIRST_POLL_MS * 2 ** Math.min(this.#polls++, 5);
  }
}
