import type { Clock } from '../util/clock.ts';

/** How often apps that may fall asleep are looked at, in milliseconds. */
const LOOK_EVERY = 10_000;

/** An app that may fall asleep. */
export interface Sleepy {
  readonly appId: string;
  /** Milliseconds without a request. */
  readonly after: number;
}

/** What the sleeper needs of the dyno manager. */
export interface SleeperOptions {
  readonly clock: Clock;
  /** Apps that are up and may sleep. */
  sleepy(): readonly Sleepy[];
  requests(appId: string): { readonly total: number; readonly inFlight: number };
  /** The app was not used for its time. */
  onIdle(appId: string): void;
}

interface Use {
  readonly total: number;
  readonly at: number;
}

/** Sees when an app was last used, and says when that is long enough ago; looks at nothing while no app may sleep. */
export class Sleeper {
  private readonly options: SleeperOptions;
  private readonly uses = new Map<string, Use>();
  private cancel: (() => void) | null = null;
  private closed = false;

  constructor(options: SleeperOptions) {
    this.options = options;
  }

  /** Apps may have begun or ceased to be sleepy. */
  wake(): void {
    if (this.closed || this.cancel !== null) return;
    const sleepy = this.options.sleepy();
    this.note(sleepy);
    if (sleepy.length === 0) return;
    this.cancel = this.options.clock.after(LOOK_EVERY, () => {
      this.cancel = null;
      this.look();
      this.wake();
    });
  }

  /** The app is in use by something other than a request: its time begins anew. */
  touch(appId: string): void {
    this.uses.delete(appId);
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
  }

  private look(): void {
    const sleepy = this.options.sleepy();
    this.note(sleepy);
    const now = this.options.clock.steady();
    for (const { appId, after } of sleepy) {
      if (now - (this.uses.get(appId)?.at ?? now) >= after) {
        this.uses.delete(appId);
        this.options.onIdle(appId);
      }
    }
  }

  private note(sleepy: readonly Sleepy[]): void {
    const now = this.options.clock.steady();
    const names = new Set(sleepy.map(({ appId }) => appId));
    for (const appId of this.uses.keys()) if (!names.has(appId)) this.uses.delete(appId);
    for (const appId of names) {
      const { total, inFlight } = this.options.requests(appId);
      const last = this.uses.get(appId);
      if (last === undefined || last.total !== total || inFlight > 0)
        this.uses.set(appId, { total, at: now });
    }
  }
}
