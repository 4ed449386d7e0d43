import { decide } from './decision.ts';
import type { NoConnection } from './dyno-connection.ts';
import type { DynoEntry } from './dyno-entry.ts';
import type { FailureKey } from './failures.ts';
import type { RequestRecord } from './request-record.ts';
import type { WheelTimer } from './timer-wheel.ts';

/** First wait, in milliseconds, when all dynos are in quarantine; it doubles up to 32 times that. */
const FIRST_POLL_MS = 50;

/** A request that looks for a dyno. */
export interface Searching extends RequestRecord {
  /** The route has changed: look again. */
  again(): void;
}

/** A dyno that could not be reached, and how long that took to show, in milliseconds. */
interface Miss {
  readonly kind: Exclude<NoConnection, 'no-room'>;
  readonly dyno: DynoEntry;
  readonly ms: number;
}

/** Finds a dyno for one request; holds it while none is up, and leaves out those that it could not reach (reference: heroku-platform 4.1). */
export class DynoSearch {
  readonly #request: Searching;
  readonly #timer: WheelTimer;
  /** Null as long as every dyno could be reached. */
  #tried: Set<DynoEntry> | null = null;
  #last: Miss | null = null;
  #polls = 0;
  #forgetRoute: (() => void) | null = null;

  /** @param timer of the request; runs when it has been held long enough, or for another look */
  constructor(request: Searching, timer: WheelTimer) {
    this.#request = request;
    this.#timer = timer;
  }

  /** A dyno, or why there is none: the request is `held`, also while its app is `asleep`, its app is `gone`, or it has failed. */
  next(): DynoEntry | FailureKey | 'held' | 'asleep' | 'gone' {
    const { app, plane } = this.#request;
    this.stop();
    if (app.route === null) return 'gone';
    const before = app.pins === null ? null : app.pins.find(this.#request.kept);
    const found = decide(app.route, app.dynos, this.#tried, plane.clock.random(), before);
    if (found === 'exhausted' || (this.#tried !== null && this.#isEnough(this.#tried.size)))
      return this.#unreachable();
    return found === 'hold' || found === 'wake' || found === 'later' ? this.#hold(found) : found;
  }

  /** Notes a dyno that could not be reached. */
  note(kind: Miss['kind'], dyno: DynoEntry, ms: number): void {
    (this.#tried ??= new Set()).add(dyno);
    this.#last = { kind, dyno, ms };
  }

  /** Waits for no route any more. */
  stop(): void {
    this.#forgetRoute?.();
    this.#forgetRoute = null;
  }

  /** The attempts that one request may make, or their time, are used up. */
  #isEnough(tries: number): boolean {
    const { limits, clock } = this.#request.plane;
    return tries >= limits.connectAttempts || clock.steady() - this.#request.startedAt >= limits.holdMs;
  }

  #hold(kind: 'hold' | 'wake' | 'later'): FailureKey | 'held' | 'asleep' {
    const { app, plane, startedAt } = this.#request;
    const left = startedAt + plane.limits.holdMs - plane.clock.steady();
    if (left <= 0) return kind === 'later' ? 'H34' : 'H20';
    this.#forgetRoute = app.onChange(() => {
      this.#request.again();
    });
    const poll = FIRST_POLL_MS * 2 ** Math.min(this.#polls, 5);
    plane.wheel.set(this.#timer, kind === 'later' ? Math.min(left, poll) : left);
    if (kind === 'later') this.#polls++;
    return kind === 'wake' ? 'asleep' : 'held';
  }

  #unreachable(): FailureKey {
    const last = this.#last;
    this.#request.dyno = last?.dyno.backend.name ?? null;
    this.#request.connectMs = last?.ms ?? null;
    if (last === null) return 'H99';
    return last.kind === 'timeout' ? 'H19' : 'H21';
  }
}
