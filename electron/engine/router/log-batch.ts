import type { FailureKey } from './failures.ts';
import { type RequestFacts, routerLine } from './log-line.ts';

/** One log line of an app, without its source. */
export interface RouterLogLine {
  /** Microseconds since the epoch. */
  readonly at: number;
  readonly text: string;
  /** As in the text. */
  readonly status: number | null;
}

/** A request that has ended. */
export interface EndedRequest extends RequestFacts {
  readonly appId: string;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  /** What went wrong, or null when the dyno answered. */
  readonly failure: FailureKey | null;
}

/** Collects the requests that ended in one turn; their lines are made and handed on together behind it. */
export class LogBatch {
  readonly #log: (appId: string, lines: readonly RouterLogLine[]) => void;
  #ended: EndedRequest[] = [];

  constructor(log: (appId: string, lines: readonly RouterLogLine[]) => void) {
    this.#log = log;
  }

  add(request: EndedRequest): void {
    if (this.#ended.push(request) === 1) setImmediate(() => this.flush());
  }

  /** Hands on what there is, for each app in the order of the ends. */
  flush(): void {
    const ended = this.#ended;
    this.#ended = [];
    let lines: RouterLogLine[] = [];
    let next = 0;
    for (const request of ended) {
      const { status, endedAt, appId } = request;
      lines.push({ at: Math.round(endedAt * 1000), text: routerLine(request, request.failure), status });
      if (ended[++next]?.appId === appId) continue;
      this.#log(appId, lines);
      lines = [];
    }
  }
}
