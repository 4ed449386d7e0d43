import { findSize, memoryOn } from '#shared/model/size.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../util/clock.ts';
import { line } from './lines.ts';

/** Time between two looks at the memory of all dynos, in milliseconds (reference: heroku-platform 3.9). */
export const MEMORY_EVERY = 20_000;
const MIB = 2 ** 20;
/** A dyno that uses this many times its quota is killed (reference: heroku-platform 3.9). */
const VASTLY = 2;

/** What a look at the memory of one dyno found. */
export interface MemoryFinding {
  readonly megabytes: number;
  readonly percent: number;
  /** R14 warns, with R15 the dyno is killed. */
  readonly code: 'R14' | 'R15';
}

/** Compares memory with the quota of a dyno size: null while it is kept (reference: heroku-platform 3.9, 5.4). */
export function judgeMemory(bytes: number, quotaMiB: number): MemoryFinding | null {
  const quota = quotaMiB * MIB;
  if (bytes <= quota) return null;
  const percent = (bytes / quota) * 100;
  return { megabytes: Math.floor(bytes / MIB), percent, code: bytes >= VASTLY * quota ? 'R15' : 'R14' };
}

/** Memory quota in MiB of dynos of a size, never more than the machine has; undefined for a size that does not exist. */
export function quotaOf(runtime: Pick<Runtime, 'info'>, size: string): number | undefined {
  const found = findSize(size);
  return found === undefined ? undefined : memoryOn(runtime.info().machine.memoryMiB, found);
}

/** Says in a dyno's log that it is over its quota; from R15 on the dyno has to be killed. @returns whether that is so */
export function tellQuota({ megabytes, percent, code }: MemoryFinding, log: (text: string) => void): boolean {
  log(line.memory(megabytes, percent));
  log(line.overQuota(code));
  if (code === 'R14') return false;
  log(line.killingOne());
  return true;
}

/** What the watch needs of those whose dynos it watches. */
export interface MemoryWatchOptions<Watched extends { readonly id: string }> {
  readonly clock: Clock;
  /** Dynos that run now. */
  running(): readonly Watched[];
  /** Memory quota in MiB; undefined for a dyno without one. */
  quotaOf(dyno: Watched): number | undefined;
  /** See `Runtime.memoryOf`. */
  memoryOf(): Promise<ReadonlyMap<string, number>>;
  /** A dyno is over its quota; told with each look for as long as it is. */
  onOver(dyno: Watched, finding: MemoryFinding): void;
  onProblem(what: string, error: unknown): void;
}

/** Looks at the memory of all dynos every twenty seconds, with one question to the runtime; at nothing while none runs. */
export class MemoryWatch<Watched extends { readonly id: string }> {
  private readonly options: MemoryWatchOptions<Watched>;
  private cancel: (() => void) | null = null;
  private looking = false;
  private failing = false;
  private closed = false;

  constructor(options: MemoryWatchOptions<Watched>) {
    this.options = options;
  }

  /** Dynos may have started. Does nothing while a look is due already. */
  wake(): void {
    if (this.closed || this.looking || this.cancel !== null || this.options.running().length === 0) return;
    this.cancel = this.options.clock.after(MEMORY_EVERY, () => {
      this.cancel = null;
      this.looking = true;
      void this.look().finally(() => {
        this.looking = false;
        this.wake();
      });
    });
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
    this.cancel = null;
  }

  private async look(): Promise<void> {
    const { options } = this;
    if (options.running().length === 0) return;
    try {
      const memory = await options.memoryOf();
      this.failing = false;
      if (!this.closed) for (const dyno of options.running()) this.judge(dyno, memory.get(dyno.id));
    } catch (error) {
      // The runtime may be away for hours, so it is told once.
      if (!this.failing) options.onProblem('reading the memory of dynos', error);
      this.failing = true;
    }
  }

  private judge(dyno: Watched, bytes: number | undefined): void {
    const quota = this.options.quotaOf(dyno);
    if (bytes === undefined || quota === undefined) return;
    const finding = judgeMemory(bytes, quota);
    if (finding !== null) this.options.onOver(dyno, finding);
  }
}
