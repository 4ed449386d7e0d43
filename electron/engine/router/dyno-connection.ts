import type { DynoEntry } from './dyno-entry.ts';
import { WheelTimer } from './timer-wheel.ts';
import type { WireUser } from './wire-input.ts';
import { Wire } from './wire.ts';

/**
 * Why there is no connection to a dyno: it refused, it did not answer in time, or the machine has no room for one more
 * connection, which says nothing of the dyno.
 */
export type NoConnection = 'refused' | 'timeout' | 'no-room';

/** Codes of the system: no descriptor, no memory, no port of our own. */
const NO_ROOM: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** Who hears of a connection while it serves a request. */
export interface DynoUser extends WireUser {
  /** The connection is there. */
  onConnect(): void;
  /** It could not be made. */
  onNoConnection(kind: NoConnection): void;
}

/** One connection to a dyno: being made, serving one request, or idle in its entry's pool. */
export class DynoConnection implements WireUser {
  readonly entry: DynoEntry;
  readonly wire: Wire;
  /** Of the attempt to connect, then of the time in the pool. */
  readonly timer: WheelTimer;
  /** Milliseconds by the clock that only grows. */
  idleSince = 0;
  /** It has served a request before, so that the dyno may be closing it. */
  reused = false;
  #user: DynoUser | null;
  #connected = false;

  /** Begins to connect. */
  constructor(entry: DynoEntry, user: DynoUser) {
    this.entry = entry;
    this.#user = user;
    this.timer = new WheelTimer(() => {
      this.#onTimer();
    });
    const { host, port } = entry.backend.address;
    this.wire = Wire.connect({ host, port }, this, () => {
      this.#connected = true;
      entry.parts.wheel.clear(this.timer);
      this.#user?.onConnect();
    });
    entry.parts.wheel.set(this.timer, entry.parts.limits.connectMs);
  }

  /** Gives an idle connection to a request. */
  use(user: DynoUser): void {
    this.entry.parts.wheel.clear(this.timer);
    this.#user = user;
    this.reused = true;
  }

  /**
   * Puts the connection into the pool for at most `idleMs`.
   * @param now by the clock that only grows
   */
  release(idleMs: number, now: number): void {
    this.#user = null;
    this.entry.putBack(this, idleMs, now);
  }

  /** Lets what was said go out and ends. */
  finish(): void {
    this.#user = null;
    this.wire.end();
    this.entry.parts.wheel.set(this.timer, this.entry.parts.limits.lingerMs);
  }

  destroy(): void {
    this.#user = null;
    this.entry.parts.wheel.remove(this.timer);
    this.wire.destroy();
  }

  onBytes(buffer: Buffer, length: number): void {
    // A dyno that speaks without being asked is not to be understood any more.
    if (this.#user === null) this.#drop();
    else this.#user.onBytes(buffer, length);
  }

  onEnd(): void {
    if (this.#user === null) this.#drop();
    else this.#user.onEnd();
  }

  onClose(): void {
    const user = this.#user;
    this.#user = null;
    this.entry.parts.wheel.remove(this.timer);
    if (user === null) this.entry.forget(this);
    else if (this.#connected) user.onClose();
    else user.onNoConnection(reasonOf(this.wire.errorCode));
  }

  onDrain(): void {
    this.#user?.onDrain();
  }

  #onTimer(): void {
    if (this.#connected) {
      this.#drop();
      return;
    }
    const user = this.#user;
    this.destroy();
    user?.onNoConnection('timeout');
  }

  #drop(): void {
    this.entry.forget(this);
    this.destroy();
  }
}

function reasonOf(errorCode: string): NoConnection {
  if (NO_ROOM.has(errorCode)) return 'no-room';
  return errorCode === 'ETIMEDOUT' ? 'timeout' : 'refused';
}
