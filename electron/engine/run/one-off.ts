import { StringDecoder } from 'node:string_decoder';
import type { RunEvent } from '#shared/model/run.ts';
import { line, scaledDown, startFailure } from '../dyno/lines.ts';
import type { RunSpec, RunTerminal } from '../runtime/run-terminal.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../util/clock.ts';
import { Handoff } from './handoff.ts';
import { runLine } from './lines.ts';

/** Times of a one-off dyno in milliseconds (reference: heroku-platform 3.2). */
export interface RunTimers {
  /** Longest life. */
  readonly life: number;
  /** From SIGHUP, as its client left, to SIGKILL. */
  readonly hangUp: number;
  /** From SIGTERM, at the end of its life, to SIGKILL. */
  readonly exit: number;
}

/** What a one-off dyno needs of the rest of the engine. */
export interface OneOffContext {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly timers: RunTimers;
  /** Writes a platform line (`heroku[run.NNNN]`) into the app's log. */
  log(appId: string, ps: string, text: string): void;
  /** Something unexpected, for the engine's own diagnostics. */
  onProblem(what: string, error: unknown): void;
}

/** One one-off dyno, from its start until nothing of it is left. */
export class OneOff {
  readonly spec: RunSpec;
  /** Resolves when it has ended and nothing of it is left, however that came. */
  readonly finished: Promise<void>;
  private readonly context: OneOffContext;
  private readonly screen = new Handoff<Buffer>();
  private readonly staging = new AbortController();
  private readonly terminal: Promise<RunTerminal>;
  private readonly exit: Promise<number>;
  private ending: Promise<void> | null = null;
  private over = false;
  private silent = false;

  constructor(context: OneOffContext, spec: RunSpec) {
    this.context = context;
    this.spec = spec;
    this.terminal = this.start();
    this.exit = this.live();
    this.finished = this.exit.then(
      () => undefined,
      () => undefined,
    );
  }

  /**
   * Everything that its client is told. Leaving the loop, or the signal, ends the dyno.
   * @throws RuntimeError when it cannot be started, or the runtime is lost
   */
  async *events(signal: AbortSignal): AsyncIterable<RunEvent> {
    const leave = (): void => {
      this.leave();
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      if (signal.aborted) return;
      await this.terminal;
      const { id, name, release } = this.spec;
      yield { kind: 'started', run: id, dyno: name, release };
      yield* this.shown();
      if (!signal.aborted) yield { kind: 'exit', code: await this.exit };
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  /** Types text. Resolves when there is room for more. */
  async write(text: string): Promise<void> {
    await (await this.terminal).write(text);
  }

  /** Sets the size of the terminal in characters. @throws RuntimeError */
  async resize(columns: number, rows: number): Promise<void> {
    if (!this.over) await (await this.terminal).resize(columns, rows);
  }

  /** Its client has left: SIGHUP to all processes, SIGKILL to those that stay. Idempotent. */
  leave(): void {
    this.staging.abort();
    this.screen.close();
    this.end('SIGHUP');
  }

  /** Its app is being destroyed: it ends at once and logs nothing any more. */
  abandon(): void {
    this.silent = true;
    this.staging.abort();
    this.screen.close();
    this.inBackground(
      'removing',
      this.terminal.then((terminal) => terminal.close()),
    );
  }

  private async start(): Promise<RunTerminal> {
    const { runtime } = this.context;
    const { slug, command, size } = this.spec;
    try {
      await slug.verify();
      await runtime.stage(slug, this.staging.signal);
      const terminal = await runtime.openRun(this.spec);
      this.log(line.starting(command, terminal.port));
      const less = scaledDown(size.name, runtime.info().machine.memoryMiB);
      if (less !== null) this.log(less);
      this.log(line.changed('starting', 'up'));
      return terminal;
    } catch (error) {
      const left = this.staging.signal.aborted;
      if (!left) this.log(startFailure(error));
      throw error;
    }
  }

  private async live(): Promise<number> {
    const { clock, timers } = this.context;
    let terminal: RunTerminal;
    try {
      terminal = await this.terminal;
    } catch (error) {
      this.over = true;
      this.screen.close();
      throw error;
    }
    const cancelLimit = clock.after(timers.life, () => {
      this.log(runLine.cycling());
      this.end('SIGTERM');
    });
    try {
      const showing = this.show(terminal);
      const code = await terminal.exited;
      this.log(line.exited(code));
      this.log(line.changed('up', 'complete'));
      await showing;
      return code;
    } finally {
      this.over = true;
      cancelLimit();
      this.screen.close();
      await terminal.close().catch((error: unknown) => {
        this.context.onProblem(`removing ${this.spec.name}`, error);
      });
    }
  }

  /** Passes the terminal's output on as its reader takes it; without a reader it is dropped. */
  private async show(terminal: RunTerminal): Promise<void> {
    for await (const bytes of terminal.output) await this.screen.give(bytes);
    this.screen.close();
  }

  private async *shown(): AsyncIterable<RunEvent> {
    const decoder = new StringDecoder('utf8');
    for (let bytes = await this.screen.take(); bytes !== null; bytes = await this.screen.take()) {
      const text = decoder.write(bytes);
      if (text !== '') yield { kind: 'output', text };
    }
    const rest = decoder.end();
    if (rest !== '') yield { kind: 'output', text: rest };
  }

  private end(signal: 'SIGHUP' | 'SIGTERM'): void {
    if (this.over || this.ending !== null) return;
    this.ending = this.stop(signal);
    this.inBackground('ending', this.ending);
  }

  private async stop(signal: 'SIGHUP' | 'SIGTERM'): Promise<void> {
    const { clock, timers } = this.context;
    const terminal = await this.terminal;
    if (this.over) return;
    this.log(signal === 'SIGHUP' ? runLine.hangUp() : line.stopping());
    const grace = signal === 'SIGHUP' ? timers.hangUp : timers.exit;
    const cancel = clock.after(grace, () => {
      this.log(signal === 'SIGHUP' ? runLine.detached() : line.exitTimeout(grace / 1000));
      this.log(line.killing());
      // A client that does not read must not hold up the end.
      this.screen.close();
      this.inBackground('killing', terminal.kill('SIGKILL'));
    });
    try {
      await terminal.kill(signal);
      await terminal.exited;
    } finally {
      cancel();
    }
  }

  private log(text: string): void {
    if (!this.silent) this.context.log(this.spec.appId, this.spec.name, text);
  }

  private inBackground(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      if (!this.over) this.context.onProblem(`${what} ${this.spec.name}`, error);
    });
  }
}
