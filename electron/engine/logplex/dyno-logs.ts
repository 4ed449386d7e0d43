import type { OutputPosition, OutputSink } from '../runtime/runtime.ts';
import type { Clock } from '../util/clock.ts';
import { DynoLog } from './dyno-log.ts';
import type { Logplex } from './logplex.ts';

/** The outputs of all dynos on their way into the log; each dyno has one way at a time. */
export class DynoLogs {
  private readonly logplex: Logplex;
  private readonly clock: Clock;
  private readonly open = new Map<string, DynoLog>();

  constructor(logplex: Logplex, clock: Clock) {
    this.logplex = logplex;
    this.clock = clock;
  }

  /** Opens the way of a dyno's output, resuming where the last one of this dyno stopped; that one takes nothing any more. */
  openOutput(
    appId: string,
    dynoId: string,
    name: string,
  ): { sink: OutputSink; after: OutputPosition | undefined } {
    this.open.get(dynoId)?.close();
    const log = new DynoLog({ logplex: this.logplex, clock: this.clock, appId, dynoId, ps: name });
    this.open.set(dynoId, log);
    return { sink: log, after: log.after };
  }

  /** The dyno is gone: stores a last line without an end, and forgets how far its output was read. */
  forgetOutput(appId: string, dynoId: string): void {
    this.open.get(dynoId)?.onEnd();
    this.open.delete(dynoId);
    this.logplex.forgetDyno(appId, dynoId);
  }

  /** Forgets the dynos of an app that are not among these: left by an engine that was killed before it could. */
  sweep(appId: string, dynoIds: ReadonlySet<string>): void {
    for (const dynoId of [...this.logplex.cursors(appId).keys()]) {
      if (!dynoIds.has(dynoId)) this.logplex.forgetDyno(appId, dynoId);
    }
  }

  /** Takes no more output; to be called before logplex closes. Pending lines are read again at the next start. */
  close(): void {
    for (const log of this.open.values()) log.close();
    this.open.clear();
  }
}
