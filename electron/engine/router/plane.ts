import type { Clock } from '../util/clock.ts';
import type { AppTable } from './app-table.ts';
import type { ErrorPage } from './error-pages.ts';
import type { EndedRequest } from './log-batch.ts';
import type { RouterLimits } from './limits.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** What all connections of a router share. It knows nothing of the engine: a thread of its own could hold it. */
export interface Plane {
  readonly clock: Clock;
  readonly limits: RouterLimits;
  readonly wheel: TimerWheel;
  readonly table: AppTable;
  /** No connection is kept any more. */
  closing: boolean;
  /** The port on which clients come in. */
  port: number;
  /** Takes the request into the log. */
  log(request: EndedRequest): void;
  /** A request waits for an app that sleeps. */
  wake(appId: string): void;
  /** Hears of each request that begins or ends. */
  readonly countsChanged: ((appId: string) => void) | null;
  renderPage(page: ErrorPage): string;
}
