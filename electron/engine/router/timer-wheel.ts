import type { Clock } from '../util/clock.ts';

const SLOTS = 512;

/** A deadline that is moved often and reached seldom. */
export class WheelTimer {
  /** By the clock that only grows; 0 while it is off. */
  deadline = 0;
  readonly run: () => void;
  /** Its place on the wheel; null when it has none. */
  slot: number | null = null;
  /** When its place is looked at. */
  due = 0;
  previous: WheelTimer | null = null;
  next: WheelTimer | null = null;

  constructor(run: () => void) {
    this.run = run;
  }
}

/**
 * One timer of the system for all deadlines of the router. Moving a deadline further away is an assignment; deadlines are
 * kept to the step of the wheel, never too early. The wheel stands still while it is empty.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #heads: (WheelTimer | null)[] = new Array<WheelTimer | null>(SLOTS).fill(null);
  #count = 0;
  #at: number;
  #cancel: (() => void) | null = null;

  /** @param stepMs how exact deadlines are kept */
  constructor(clock: Clock, stepMs: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.#at = Math.floor(clock.steady() / stepMs);
  }

  /**
   * Sets the deadline to `ms` from now; what was set before is forgotten.
   * @param now by the clock that only grows, for those who have just asked it
   */
  set(timer: WheelTimer, ms: number, now = this.#clock.steady()): void {
    if (this.#cancel === null) this.#start();
    const deadline = now + ms;
    timer.deadline = deadline;
    if (timer.slot === null) this.#link(timer);
    else if (timer.due > deadline) {
      this.#unlink(timer);
      this.#link(timer);
    }
  }

  /** Switches the timer off; its place stays for a next time, until the wheel comes by. */
  clear(timer: WheelTimer): void {
    timer.deadline = 0;
  }

  /** Takes the timer off the wheel for good. */
  remove(timer: WheelTimer): void {
    timer.deadline = 0;
    if (timer.slot !== null) this.#unlink(timer);
  }

  #start(): void {
    this.#at = Math.floor(this.#clock.steady() / this.#stepMs);
    this.#arm();
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.#stepMs, () => {
      this.#turn();
    });
  }

  #turn(): void {
    const now = this.#clock.steady();
    const target = Math.floor(now / this.#stepMs);
    // After a long sleep of the machine every place is looked at once, not many times.
    if (target - this.#at > SLOTS) this.#at = target - SLOTS;
    while (this.#at < target) {
      this.#at++;
      this.#visit(this.#at % SLOTS, now);
    }
    this.#cancel = null;
    if (this.#count > 0) this.#arm();
  }

  #visit(slot: number, now: number): void {
    const found: WheelTimer[] = [];
    for (let timer = this.#heads[slot] ?? null; timer !== null; timer = this.#heads[slot] ?? null) {
      this.#unlink(timer);
      found.push(timer);
    }
    for (const timer of found) {
      // What ran before may have set this one anew, or switched it off.
      if (timer.slot !== null || timer.deadline === 0) continue;
      if (timer.deadline > now) this.#link(timer);
      else {
        timer.deadline = 0;
        timer.run();
      }
    }
  }

  #link(timer: WheelTimer): void {
    const first = this.#at + 1;
    const wanted = Math.ceil(timer.deadline / this.#stepMs);
    const step = Math.min(Math.max(wanted, first), this.#at + SLOTS - 1);
    const slot = step % SLOTS;
    const head = this.#heads[slot] ?? null;
    timer.slot = slot;
    timer.due = step * this.#stepMs;
    timer.previous = null;
    timer.next = head;
    if (head !== null) head.previous = timer;
    this.#heads[slot] = timer;
    this.#count++;
  }

  #unlink(timer: WheelTimer): void {
    const { slot, previous, next } = timer;
    if (slot === null) return;
    if (previous === null) this.#heads[slot] = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    timer.slot = timer.previous = timer.next = null;
    this.#count--;
  }
}
