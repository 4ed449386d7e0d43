import type { AppEntry } from './app-table.ts';
import type { FailureKey } from './failures.ts';
import type { EndedRequest } from './log-batch.ts';
import type { Origin } from './origin.ts';
import type { Plane } from './plane.ts';
import type { RequestHead } from './request-head.ts';
import { newRequestId } from './request-id.ts';

const REQUEST_ID = /^[A-Za-z0-9+/=-]{20,200}$/;

/** What is known of a request, for its dyno, its line in the log and the counts of its app. */
export class RequestRecord implements EndedRequest {
  readonly plane: Plane;
  readonly app: AppEntry;
  readonly appId: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly minor: number;
  readonly requestId: string;
  readonly fwd: string;
  /** The client wants to leave HTTP. */
  readonly upgrade: boolean;
  /** Request line and header lines that the dyno gets as they came. */
  readonly kept: string;
  /** What the request has been through before, or nothing. */
  readonly via: string;
  /** By the clock that only grows, and since the epoch; milliseconds. */
  readonly startedAt: number;
  readonly startedWall: number;
  /** When a dyno got it, by the clock that only grows; negative before. */
  sentAt = -1;
  dyno: string | null = null;
  connectMs: number | null = null;
  serviceMs: number | null = null;
  status: number | null = null;
  /** Bytes of body sent to the client. */
  bytes = 0;
  /** Bytes of body that came from it. */
  bytesIn = 0;
  /** How the client came in, where that is not plain HTTP/1. */
  readonly origin: Origin | null;
  endedAt = 0;
  failure: FailureKey | null = null;

  /** @param client its address, and how it came in */
  constructor(
    plane: Plane,
    { address, origin }: { readonly address: string; readonly origin: Origin | null },
    app: AppEntry,
    head: RequestHead,
  ) {
    this.plane = plane;
    this.origin = origin;
    this.app = app;
    this.appId = app.appId;
    this.method = head.method;
    this.path = head.path;
    this.host = head.host;
    this.minor = head.minor;
    this.upgrade = head.upgrade;
    this.requestId =
      head.requestId !== '' && REQUEST_ID.test(head.requestId) ? head.requestId : newRequestId();
    this.fwd = head.forwardedFor === '' ? address : `${head.forwardedFor}, ${address}`;
    this.kept = head.kept;
    this.via = head.via;
    this.startedAt = plane.clock.steady();
    this.startedWall = plane.clock.now();
    app.counters.begin();
    plane.countsChanged?.(app.appId);
  }

  get httpVersion(): string {
    return this.origin?.httpVersion ?? (this.minor === 0 ? '1.0' : '1.1');
  }

  get tls(): string | null {
    return this.origin?.tls ?? null;
  }

  get agent(): string {
    return /^user-agent:[\t ]*([^\r]*)/im.exec(this.kept)?.[1]?.trimEnd() ?? '';
  }

  /**
   * Notes how it ended, and counts it.
   * @param now by the clock that only grows
   */
  protected end(status: number | null, failure: FailureKey | null, now: number): void {
    this.status = status;
    this.failure = failure;
    this.serviceMs = this.sentAt < 0 ? null : now - this.sentAt;
    this.endedAt = this.startedWall + (now - this.startedAt);
    this.app.counters.end(this, now);
    this.plane.countsChanged?.(this.appId);
  }
}
