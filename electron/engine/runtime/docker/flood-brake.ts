import type { Duplex } from 'node:stream';
import type { Clock } from '../../util/clock.ts';
import { attachOutput } from './containers.ts';
import type { Daemon } from './daemon.ts';

/** What has to be read without catching up before a dyno counts as flooding, in bytes; far less than the daemon keeps of its output. */
const FLOOD = 2 * 1024 * 1024;
/** How much older the messages that are read have become then, and how much at most when the reader has caught up, in milliseconds. */
const BEHIND = 300;
const CAUGHT_UP = 100;
/** A reader to whom nothing came for so long has read all there is, whatever the daemon's clock says; in milliseconds. */
const IDLE = 500;

/**
 * Holds up a dyno that prints faster than its output is read, since the daemon throws away what it has no room for, read or not. It is
 * done with a second reader that does not read: the daemon makes the dyno wait for it. The dyno goes on when the first one has
 * caught up, and when the engine ends. Podman does not wait for readers, so nothing is done there.
 */
export class FloodBrake implements Disposable {
  private readonly daemon: Daemon;
  private readonly container: string;
  private readonly clock: Clock;
  private unread = 0;
  /** Age of the last message, and the lowest so far: what the clocks of daemon and engine differ by, or what there was to catch up with. */
  private age = 0;
  private youngest = Number.POSITIVE_INFINITY;
  /** When something was last read, by the steady clock. */
  private lastRead = 0;
  private held: Promise<Duplex | null> | null = null;
  private cancelIdle: (() => void) | null = null;

  /** @param container id of the dyno's container */
  constructor(daemon: Daemon, container: string, clock: Clock) {
    this.daemon = daemon;
    this.container = container;
    this.clock = clock;
  }

  /** Takes note of a message. @param at when it was printed, in milliseconds since the epoch */
  read(bytes: number, at: number): void {
    if (this.daemon.facts.engine === 'podman') return;
    this.age = this.clock.now() - at;
    this.lastRead = this.clock.steady();
    this.youngest = Math.min(this.youngest, this.age);
    const behind = this.age - this.youngest;
    if (behind <= CAUGHT_UP) {
      this.release();
      return;
    }
    this.unread += bytes;
    if (this.held === null && this.unread > FLOOD && behind > BEHIND) this.hold();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  private hold(): void {
    // A dyno that has gone prints nothing any more.
    this.held = attachOutput(this.daemon, this.container).catch(() => null);
    this.watch(IDLE);
  }

  private watch(ms: number): void {
    this.cancelIdle = this.clock.after(ms, () => {
      const idle = this.clock.steady() - this.lastRead;
      if (idle < IDLE) {
        this.watch(IDLE - idle);
        return;
      }
      this.youngest = this.age;
      this.release();
    });
  }

  private release(): void {
    this.unread = 0;
    this.cancelIdle?.();
    this.cancelIdle = null;
    void this.held?.then((stream) => stream?.destroy());
    this.held = null;
  }
}
