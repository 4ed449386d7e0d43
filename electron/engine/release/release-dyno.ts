import { StringDecoder } from 'node:string_decoder';
import { line, scaledDown, startFailure } from '../dyno/lines.ts';
import { type MemoryFinding, MemoryWatch, quotaOf, tellQuota } from '../dyno/memory-watch.ts';
import type { DynoInstance, DynoSpec } from '../runtime/runtime.ts';
import { DynoOutput, type OutputContext } from '../dyno/output.ts';

/** Times of a release command in milliseconds. */
export interface ReleaseTimers {
  /** Longest life. */
  readonly life: number;
  /** From SIGTERM to SIGKILL. */
  readonly exit: number;
}

/** Times of the platform (reference: heroku-platform 3.2). */
export const RELEASE_TIMERS: ReleaseTimers = { life: 3_600_000, exit: 30_000 };

/** What a release command needs of the rest of the engine. */
export interface ReleaseDynoContext extends OutputContext {
  readonly timers: ReleaseTimers;
  /** Writes a platform line (`heroku[release.NNNN]`) into the app's log. */
  log(appId: string, ps: string, text: string): void;
  /** Something unexpected, for the engine's own diagnostics. */
  onProblem(what: string, error: unknown): void;
}

/** How a release command ended. */
export type ReleaseEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly outOfMemory: boolean }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'not-run'; readonly reason: string };

/** The one-off dyno in which a release command runs, once (reference: heroku-platform 3.11). */
export class ReleaseDyno {
  private readonly context: ReleaseDynoContext;
  private readonly spec: DynoSpec;
  private readonly onText: (text: string) => void;
  private readonly staging = new AbortController();
  private readonly exit = Promise.withResolvers<{ code: number; outOfMemory: boolean }>();
  private launched = false;
  private cut: 'timed-out' | 'stopped' | null = null;

  /** @param onText gets the output as it comes */
  constructor(context: ReleaseDynoContext, spec: DynoSpec, onText: (text: string) => void) {
    this.context = context;
    this.spec = spec;
    this.onText = onText;
  }

  /** Starts the command and waits for its end; nothing of the dyno is left then. To be called once. */
  async run(): Promise<ReleaseEnd> {
    const { runtime } = this.context;
    using _exits = runtime.onExit((exit) => {
      if (exit.id === this.spec.id) this.exit.resolve(exit);
    });
    using _returns = runtime.onAvailability((state) => {
      if (state === 'back') this.inBackground('looking at', this.look());
    });
    const started = await this.start();
    return 'kind' in started ? started : await this.live(started);
  }

  /** Ends it: SIGTERM, then SIGKILL; at once when `urgent`. Idempotent. */
  stop(urgent: boolean): void {
    this.cut ??= 'stopped';
    this.staging.abort();
    if (!this.launched) return;
    if (urgent) this.inBackground('removing', this.context.runtime.removeDyno(this.spec.id).then(this.gone));
    else this.terminate();
  }

  private async start(): Promise<DynoInstance | ReleaseEnd> {
    const { runtime } = this.context;
    const { id, slug, command, size } = this.spec;
    try {
      await slug.verify();
      await runtime.stage(slug, this.staging.signal);
      this.staging.signal.throwIfAborted();
      const instance = await runtime.startDyno(this.spec);
      this.launched = true;
      this.log(line.starting(command, instance.port));
      const less = scaledDown(size.name, runtime.info().machine.memoryMiB);
      if (less !== null) this.log(less);
      this.log(line.changed('starting', 'up'));
      return instance;
    } catch (error) {
      await runtime.removeDyno(id).catch(() => undefined);
      if (this.cut !== null) return { kind: this.cut };
      const reason = error instanceof Error ? error.message : String(error);
      this.log(startFailure(error));
      return { kind: 'not-run', reason };
    }
  }

  private async live(instance: DynoInstance): Promise<ReleaseEnd> {
    const { clock, timers } = this.context;
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
    using output = new DynoOutput(this.context, this.spec, (stream, bytes) => {
      this.onText(decoders[stream].write(bytes));
    });
    const cancelLimit = clock.after(timers.life, () => {
      this.cut ??= 'timed-out';
      this.terminate();
    });
    const memory = this.watchMemory();
    if (instance.exit !== null) this.exit.resolve(instance.exit);
    if (this.cut !== null) this.terminate();
    const exit = await this.exit.promise;
    cancelLimit();
    memory.close();
    await output.untilRead();
    if (exit.outOfMemory) this.log(line.outOfMemory());
    this.log(line.exited(exit.code));
    this.log(line.changed('up', 'complete'));
    await this.remove();
    return this.cut === null ? { kind: 'exited', ...pick(exit) } : { kind: this.cut };
  }

  private watchMemory(): MemoryWatch<DynoSpec> {
    const { runtime, clock } = this.context;
    const { id, size } = this.spec;
    const log = this.log.bind(this);
    let killed = false;
    const watch = new MemoryWatch<DynoSpec>({
      clock,
      running: () => [this.spec],
      quotaOf: () => quotaOf(runtime, size.name),
      memoryOf: () => runtime.memoryOf(),
      onOver: (_spec, finding: MemoryFinding) => {
        if (killed || !tellQuota(finding, log)) return;
        killed = true;
        this.inBackground('killing', runtime.signalDyno(id, 'SIGKILL'));
      },
      onProblem: this.context.onProblem.bind(this.context),
    });
    watch.wake();
    return watch;
  }

  private terminate(): void {
    const { runtime, clock, timers } = this.context;
    const { id } = this.spec;
    this.log(line.stopping());
    this.inBackground('stopping', runtime.signalDyno(id, 'SIGTERM'));
    const cancel = clock.after(timers.exit, () => {
      this.log(line.exitTimeout(timers.exit / 1000));
      this.log(line.killing());
      this.inBackground('killing', runtime.signalDyno(id, 'SIGKILL'));
    });
    void this.exit.promise.then(cancel);
  }

  /** Its end may have been missed while the runtime was away. */
  private async look(): Promise<void> {
    if (!this.launched) return;
    const found = (await this.context.runtime.listDynos()).find((dyno) => dyno.id === this.spec.id);
    if (found === undefined) this.gone();
    else if (found.exit !== null) this.exit.resolve(found.exit);
  }

  private readonly gone = (): void => {
    this.exit.resolve({ code: 137, outOfMemory: false });
  };

  private async remove(): Promise<void> {
    const { id, appId, name } = this.spec;
    await this.context.runtime.removeDyno(id).catch((error: unknown) => {
      this.context.onProblem(`removing ${name}`, error);
    });
    this.context.forgetOutput(appId, id);
  }

  private log(text: string): void {
    this.context.log(this.spec.appId, this.spec.name, text);
  }

  private inBackground(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      this.context.onProblem(`${what} ${this.spec.name}`, error);
    });
  }
}

function pick({ code, outOfMemory }: { code: number; outOfMemory: boolean }) {
  return { code, outOfMemory };
}

/** What went wrong with a release command, for people; null when nothing did. */
export function releaseProblem(end: ReleaseEnd): string | null {
  switch (end.kind) {
    case 'exited':
      if (end.code === 0) return null;
      return end.outOfMemory
        ? `its release command ran out of memory (exit code ${end.code})`
        : `its release command ended with exit code ${end.code}`;
    case 'timed-out':
      return 'its release command took longer than an hour';
    case 'stopped':
      return 'its release command was stopped before its end';
    case 'not-run':
      return `its release command could not be run: ${end.reason}`;
  }
}
