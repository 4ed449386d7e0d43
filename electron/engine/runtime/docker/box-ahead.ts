import type { Clock } from '../../util/clock.ts';
import type { BuildBox, BuildBoxSpec } from '../runtime.ts';

/** Milliseconds until the box of a new app is started: what else was asked for with the app comes first. */
const WAIT_MS = 300;

/** What gets a box ready and ends it. */
interface AheadWork {
  readonly clock: Clock;
  /** Whether boxes of a stack can be started, without making anything for it. */
  isReady(stack: string): Promise<boolean>;
  open(spec: BuildBoxSpec, signal: AbortSignal): Promise<BuildBox>;
  end(appId: string): Promise<void>;
}

interface Ahead {
  readonly appId: string;
  readonly abort: AbortController;
  readonly cancel: () => void;
  done: Promise<void>;
}

/** The box of the newest app, made ready before its first build. There is one at most. */
export class BoxAhead {
  private readonly work: AheadWork;
  private newest: Ahead | null = null;

  constructor(work: AheadWork) {
    this.work = work;
  }

  /** Gets an app's box ready, and ends that of the app before, if it was not built. */
  expect(spec: BuildBoxSpec): void {
    const before = this.newest;
    const abort = new AbortController();
    const cancel = this.work.clock.after(WAIT_MS, () => {
      ahead.done = this.start(spec, abort.signal);
    });
    const ahead: Ahead = { appId: spec.appId, abort, cancel, done: Promise.resolve() };
    this.newest = ahead;
    if (before !== null) this.end(before).catch(() => undefined);
  }

  /** Leaves an app's box to the build that begins. */
  leave(appId: string): void {
    if (this.newest?.appId !== appId) return;
    this.newest.cancel();
    this.newest = null;
  }

  /** Ends the box, or only if it is of this app. Waits until it is gone. */
  async drop(appId?: string): Promise<void> {
    const { newest } = this;
    if (newest === null || (appId !== undefined && newest.appId !== appId)) return;
    this.newest = null;
    await this.end(newest);
  }

  private async start(spec: BuildBoxSpec, signal: AbortSignal): Promise<void> {
    try {
      if (await this.work.isReady(spec.stack)) await (await this.work.open(spec, signal)).close();
    } catch {
      // The build has the same trouble, and somebody to tell it.
    }
  }

  private async end({ appId, abort, cancel, done }: Ahead): Promise<void> {
    cancel();
    abort.abort();
    await done;
    await this.work.end(appId);
  }
}
