import { type Alarm, alarmsBy, type OpenAlarm } from './alarm.ts';
import { SYSTEM_CALLS, type SystemCalls } from './system-calls.ts';

/** Who waits for bytes on a descriptor. */
export interface Reader {
  /** Bytes came. Told once for what came since the last read that found nothing more. */
  onReadable(): void;
  /** The other side has ended, or the connection broke; is not told anything after it. */
  onOver(): void;
}

const CLOSE_ON_EXEC = 0o2000000;
const ADD = 1;
const REMOVE = 2;
const READABLE = 0x1;
/** The other side says nothing more. Errors and the end of both directions are told unasked. */
const HALF_CLOSED = 0x2000;
/** Told once when it changes, not as long as it is so. */
const EDGE = 1 << 31;

/** Events told in a turn: the connections of a busy app, and no more than may be dealt with before something else is looked at. */
const EVENTS = 64;
/** 32-bit words of an `epoll_event`, which is packed on x64 only, and where the descriptor is in it. */
const [WORDS, DESCRIPTOR] = process.arch === 'x64' ? [3, 1] : [4, 2];

/**
 * Tells of many sockets when bytes come, past the event loop of Node, which calls the program for each read and costs as much as a
 * fifth of a request. Node's loop watches the poller's own descriptor, and in a turn in which something came the poller looks at all sockets
 * until nothing comes any more.
 */
export class Poller {
  readonly #calls: SystemCalls;
  readonly #epoll: number;
  readonly #alarm: Alarm;
  readonly #readers: (Reader | undefined)[] = [];
  #count = 0;
  /** To be told at the next turn, without an event. */
  readonly #again: Reader[] = [];
  readonly #events = fixed(EVENTS * WORDS);
  readonly #eventsAt: number;
  readonly #event = fixed(WORDS);
  readonly #eventAt: number;
  /** Events that were taken, and how many of them were told. */
  #taken = 0;
  #told = 0;
  /** A turn comes without the alarm. */
  #comesAgain = false;
  readonly #turn = (): void => {
    this.#comesAgain = false;
    this.#look();
  };

  /** @throws Error when the system gives no descriptor */
  constructor(calls: SystemCalls, openAlarm: OpenAlarm) {
    this.#calls = calls;
    this.#eventsAt = calls.addressOf(this.#events);
    this.#eventAt = calls.addressOf(this.#event);
    const epoll = calls.epollCreate(CLOSE_ON_EXEC);
    if (epoll < 0) throw new Error(`the system has no poller left (error ${calls.errno()})`);
    this.#alarm = openAlarm(epoll, () => {
      this.#look();
    });
    this.#epoll = this.#alarm.descriptor;
  }

  /** Tells a reader of what comes on a descriptor; answers false when the system does not watch it. */
  add(descriptor: number, reader: Reader): boolean {
    const event = this.#event;
    event[0] = READABLE | HALF_CLOSED | EDGE;
    event[DESCRIPTOR] = descriptor;
    if (this.#calls.epollControl(this.#epoll, ADD, descriptor, this.#eventAt) !== 0) return false;
    this.#readers[descriptor] = reader;
    if (this.#count++ === 0) this.#alarm.ref();
    return true;
  }

  /**
   * Tells a reader nothing more.
   * @param closes the descriptor is closed by now or in this turn, by which the system forgets it, and may be somebody else's already
   */
  remove(descriptor: number, reader: Reader, closes: boolean): void {
    if (this.#readers[descriptor] === reader) this.#readers[descriptor] = undefined;
    if (!closes) this.#calls.epollControl(this.#epoll, REMOVE, descriptor, this.#eventAt);
    if (--this.#count === 0) this.#alarm.unref();
  }

  /** Tells a reader in a moment that there is more, as it did not read all. */
  again(reader: Reader): void {
    this.#again.push(reader);
    this.#turnSoon();
  }

  #turnSoon(): void {
    if (this.#comesAgain) return;
    this.#comesAgain = true;
    setImmediate(this.#turn);
  }

  /** Tells everything that came. An error of a reader does not cost others their event: it comes at the next turn. */
  #look(): void {
    try {
      for (let left = this.#again.length; left > 0; left--) this.#again.shift()?.onReadable();
      this.#tell();
      for (let room = EVENTS; room > 0 && this.#take(room); room -= this.#taken) this.#tell();
    } finally {
      if (this.#told < this.#taken || this.#again.length > 0) this.#turnSoon();
    }
  }

  /** Answers false when nothing came. */
  #take(most: number): boolean {
    this.#taken = Math.max(0, this.#calls.epollWait(this.#epoll, this.#eventsAt, most, 0));
    this.#told = 0;
    return this.#taken > 0;
  }

  #tell(): void {
    while (this.#told < this.#taken) {
      const at = this.#told++ * WORDS;
      const reader = this.#readers[this.#events[at + DESCRIPTOR] ?? -1];
      if (this.#events[at] === READABLE) reader?.onReadable();
      else reader?.onOver();
    }
  }
}

/** Memory that stays where it is: the collector moves a small array that is made without a buffer. */
function fixed(words: number): Int32Array {
  return new Int32Array(new ArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
}

/** The poller of this thread, or null where sockets are read by Node. */
export const POLLER: Poller | null = open();

function open(): Poller | null {
  const openAlarm = SYSTEM_CALLS === null ? null : alarmsBy(SYSTEM_CALLS);
  if (SYSTEM_CALLS === null || openAlarm === null) return null;
  try {
    return new Poller(SYSTEM_CALLS, openAlarm);
  } catch {
    return null;
  }
}
