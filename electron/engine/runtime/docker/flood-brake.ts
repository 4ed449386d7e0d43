import type { Duplex } from 'node:stream';
import type { Clock } from '../../util/clock.ts';
import { attachOutput } from './containers.ts';
import type { Daemon } from './daemon.ts';

/** A dyno floods when so many bytes of its output are read in so many milliseconds. */
const FLOOD = 512 * 1024;
const FLOOD_MS = 250;
/** The flood is over when fewer bytes come in this time, in milliseconds. */
const CALM_MS = 10_000;
/** How many bytes a dyno may print before they are read from its log; far less than the daemon keeps. */
const AHEAD = 4 * 1024 * 1024;
/** When nothing is read for so long, in milliseconds, it may print this much more: it may be that all has been read. */
const IDLE_MS = 500;
const SIP = 64 * 1024;

/**
 * Holds up a dyno that prints faster than its log is read, since the daemon throws away what the log has no room for, read or not. While
 * a dyno floods its output is read a second time, past the log: the daemon makes the dyno wait for that reader, which reads no further
 * than the other one has come. It goes with the engine, so nothing waits for one that was killed. Podman does not wait for readers: there it
 * does nothing.
 */
export class FloodBrake implements Disposable {
  private readonly daemon: Daemon;
  private readonly container: string;
  private readonly clock: Clock;
  private windowSince = Number.NEGATIVE_INFINITY;
  private windowBytes = 0;
  /** By the steady clock. */
  private lastRead = 0;
  /** Bytes that the dyno has printed, less those that were read, since the second reader is there. */
  private ahead = 0;
  private second: Promise<Duplex | null> | null = null;
  private stream: Duplex | null = null;
  private cancelWatch: (() => void) | null = null;
  private disposed = false;

  /** @param container id of the dyno's container */
  constructor(daemon: Daemon, container: string, clock: Clock) {
    this.daemon = daemon;
    this.container = container;
    this.clock = clock;
  }

  /** Takes note of output that was read from the log. */
  read(bytes: number): void {
    const now = this.clock.steady();
    this.lastRead = now;
    this.ahead -= bytes;
    const length = this.second === null ? FLOOD_MS : CALM_MS;
    if (now - this.windowSince >= length) {
      if (this.second !== null && this.windowBytes < FLOOD) this.release();
      this.windowSince = now;
      this.windowBytes = 0;
    }
    this.windowBytes += bytes;
    if (this.second === null && this.windowBytes >= FLOOD) this.engage();
    this.goOn();
  }

  [Symbol.dispose](): void {
    this.disposed = true;
    this.release();
  }

  private engage(): void {
    if (this.daemon.facts.engine === 'podman' || this.disposed) return;
    // A dyno that has gone prints nothing any more.
    const second = attachOutput(this.daemon, this.container).catch(() => null);
    this.second = second;
    void second.then((stream) => {
      if (stream === null) return;
      if (this.second === second) this.follow(stream);
      else stream.destroy();
    });
    this.watch();
  }

  private follow(stream: Duplex): void {
    this.stream = stream;
    this.ahead = 0;
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      this.ahead += chunk.length;
      if (this.ahead > AHEAD) stream.pause();
    });
  }

  private goOn(): void {
    if (this.stream?.isPaused() === true && this.ahead <= AHEAD) this.stream.resume();
  }

  private watch(): void {
    this.cancelWatch = this.clock.after(IDLE_MS, () => {
      if (this.clock.steady() - this.lastRead >= IDLE_MS) {
        this.ahead = this.ahead > AHEAD ? AHEAD - SIP : 0;
        this.goOn();
      }
      this.watch();
    });
  }

  private release(): void {
    this.cancelWatch?.();
    this.cancelWatch = null;
    this.stream?.destroy();
    this.stream = null;
    this.second = null;
  }
}
