import { line, scaledDown, startFailure } from '../dyno/lines.ts';
import type { DynoExit, DynoInstance, DynoSpec } from '../runtime/runtime.ts';
import { type MemoryFinding, tellQuota } from '../dyno/memory-watch.ts';
import { runLine } from './lines.ts';
import type { RunTimers } from './timers.ts';
import { DynoOutput, type OutputContext } from '../dyno/output.ts';

/** What is taken as the end of a dyno that has gone without a word. */
const GONE = { code: 137, outOfMemory: false };

/** What a one-off dyno without a terminal needs of the rest of the engine. */
export interface DetachedContext extends OutputContext {
  readonly timers: RunTimers;
  /** Writes a platform line (`heroku[run.NNNN]`) into the app's log. */
  log(appId: string, ps: string, text: string): void;
  /** It is not in the state that it was in. */
  onChange(appId: string): void;
  /** It shall not be adopted by a later engine any more. */
  onOver(id: string): void;
  /** Something unexpected, for the engine's own diagnostics. */
  onProblem(what: string, error: unknown): void;
}

/** What is known of a one-off dyno from its order on, and by the runtime after a new start of the engine. */
type DetachedFacts = Pick<DynoInstance, 'id' | 'appId' | 'name' | 'release' | 'command' | 'size'>;

/** A one-off dyno without a terminal (reference: heroku-platform 3.10): its output goes into the log, and it does not depend on the engine's life. */
export class Detached {
  readonly facts: DetachedFacts;
  /** Resolves when it has ended and nothing of it is left, or it was let go. */
  readonly finished: Promise<void>;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  private readonly context: DetachedContext;
  private readonly endsAt: number;
  private readonly finish = Promise.withResolvers<void>();
  private readonly staging = new AbortController();
  private readonly exit = Promise.withResolvers<Pick<DynoExit, 'code' | 'outOfMemory'>>();
  private follow: Disposable | null = null;
  private cancels: (() => void)[] = [];
  private launched = false;
  private stopping = false;
  private killed = false;
  private silent = false;
  private released = false;

  /** @param endsAt when its life is over at the latest, in milliseconds since the epoch */
  constructor(context: DetachedContext, facts: DetachedFacts, startedAt: number, endsAt: number) {
    this.context = context;
    this.facts = facts;
    this.startedAt = startedAt;
    this.endsAt = endsAt;
    this.finished = this.finish.promise;
  }

  /** What it does now. */
  get state(): 'starting' | 'up' | 'stopping' {
    if (this.stopping) return 'stopping';
    return this.launched ? 'up' : 'starting';
  }

  /**
   * Starts it. Resolves once it is up. To be called once.
   * @throws RuntimeError when it cannot be started; then nothing of it is left
   */
  async start(spec: DynoSpec): Promise<void> {
    const { runtime } = this.context;
    try {
      await spec.slug.verify();
      await runtime.stage(spec.slug, this.staging.signal);
      this.staging.signal.throwIfAborted();
      const instance = await runtime.startDyno(spec);
      this.log(line.starting(spec.command, instance.port));
      const less = scaledDown(spec.size.name, runtime.info().machine.memoryMiB);
      if (less !== null) this.log(less);
      this.log(line.changed('starting', 'up'));
      this.adopt(instance);
    } catch (error) {
      await runtime.removeDyno(spec.id).catch(() => undefined);
      if (!this.stopping) this.log(startFailure(error));
      this.over();
      throw error;
    }
  }

  /** Takes over one that runs, or has ended while no engine looked. */
  adopt(instance: DynoInstance): void {
    this.launched = true;
    this.changed();
    const live = this.live(instance);
    live.catch((error: unknown) => {
      this.context.onProblem(`running ${this.facts.name}`, error);
      this.over();
    });
  }

  /** It has ended. Idempotent. */
  ended(exit: Pick<DynoExit, 'code' | 'outOfMemory'> = GONE): void {
    this.exit.resolve(exit);
  }

  /** Ends it: SIGTERM to all processes, SIGKILL to those that stay. Idempotent. */
  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.staging.abort();
    this.changed();
    if (this.launched) this.terminate();
  }

  /** It uses more memory than its quota; at R15 it is killed (reference: heroku-platform 3.9). */
  overQuota(finding: MemoryFinding): void {
    if (this.killed || !tellQuota(finding, this.log.bind(this))) return;
    this.killed = true;
    this.inBackground('killing', this.context.runtime.signalDyno(this.facts.id, 'SIGKILL'));
  }

  /** Its app is being destroyed: it ends at once and logs nothing any more. */
  abandon(): void {
    this.silent = true;
    this.stopping = true;
    this.staging.abort();
    if (!this.launched) return;
    const removal = this.context.runtime.removeDyno(this.facts.id).then(() => {
      this.ended();
    });
    this.inBackground('removing', removal);
  }

  /** The engine ends and the dyno goes on: nothing of it is told from here on. */
  release(): void {
    this.released = true;
    this.letGo();
    this.finish.resolve();
  }

  private async live(instance: DynoInstance): Promise<void> {
    const { clock } = this.context;
    const output = new DynoOutput(this.context, this.facts);
    this.follow = output;
    this.later(Math.max(1, this.endsAt - clock.now()), () => {
      if (this.stopping) return;
      this.log(runLine.cycling());
      this.stop();
    });
    if (instance.exit !== null) this.ended(instance.exit);
    if (this.silent) this.abandon();
    else if (this.stopping) this.terminate();
    const exit = await this.exit.promise;
    if (this.released) return;
    await output.untilRead();
    if (this.released) return;
    this.letGo();
    if (exit.outOfMemory) this.log(line.outOfMemory());
    this.log(line.exited(exit.code));
    this.log(line.changed('up', 'complete'));
    await this.remove();
    this.over();
  }

  private terminate(): void {
    const { runtime, timers } = this.context;
    const { id } = this.facts;
    this.log(line.stopping());
    this.inBackground('stopping', runtime.signalDyno(id, 'SIGTERM'));
    this.later(timers.exit, () => {
      this.log(line.exitTimeout(timers.exit / 1000));
      this.log(line.killing());
      this.inBackground('killing', runtime.signalDyno(id, 'SIGKILL'));
    });
  }

  /** Noted as over first: what is removed only in part is no dyno to adopt any more. */
  private async remove(): Promise<void> {
    const { id, appId } = this.facts;
    this.context.onOver(id);
    await this.context.runtime.removeDyno(id).catch((error: unknown) => {
      this.context.onProblem(`removing ${this.facts.name}`, error);
    });
    this.context.forgetOutput(appId, id);
  }

  private over(): void {
    this.letGo();
    this.context.onOver(this.facts.id);
    this.finish.resolve();
  }

  private letGo(): void {
    this.follow?.[Symbol.dispose]();
    for (const cancel of this.cancels) cancel();
    this.cancels = [];
  }

  private later(ms: number, task: () => void): void {
    this.cancels.push(this.context.clock.after(ms, task));
  }

  private changed(): void {
    this.context.onChange(this.facts.appId);
  }

  private log(text: string): void {
    if (!this.silent && !this.released) this.context.log(this.facts.appId, this.facts.name, text);
  }

  private inBackground(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      this.context.onProblem(`${what} ${this.facts.name}`, error);
    });
  }
}
