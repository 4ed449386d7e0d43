import { StringDecoder } from 'node:string_decoder';
import type { RunEvent } from '#shared/model/run.ts';
import { line, startFailure } from '../dyno/lines.ts';
import type { RunTerminal } from '../runtime/run-terminal.ts';
import type { Clock } from '../util/clock.ts';
import { type MemoryFinding, tellQuota } from '../dyno/memory-watch.ts';
import { Handoff } from './handoff.ts';
import { runLine } from './lines.ts';
import { repeat, type RunTimers, whenIdle } from './timers.ts';

/** What a terminal's session needs of the rest of the engine. */
export interface OneOffContext {
  readonly clock: Clock;
  readonly timers: RunTimers;
  /** Writes a platform line (`heroku[run.NNNN]`) into the app's log. */
  log(appId: string, ps: string, text: string): void;
  /** It is not in the state that it was in. */
  onChange(appId: string): void;
  /** Something unexpected, for the engine's own diagnostics. */
  onProblem(what: string, error: unknown): void;
}

/** What runs on a terminal: a one-off dyno, or a command inside a dyno. */
export interface OneOffOrder {
  /** Unique for ever. */
  readonly id: string;
  readonly appId: string;
  /** Name of the dyno. */
  readonly name: string;
  readonly release: number;
  /** Canonical name of its size; empty for a command inside a dyno. */
  readonly size: string;
  /** With the command of a process type in the place of its name. */
  readonly command: string;
  /** What else the log tells of its start; null when there is nothing. */
  readonly note: string | null;
  /** Longest life in milliseconds. */
  readonly life: number;
  /** Whether it is a dyno of its own; then the log tells of its states. */
  readonly ownDyno: boolean;
  /** Starts it. @throws RuntimeError `cancelled` when the signal came first */
  open(signal: AbortSignal): Promise<RunTerminal>;
}

/** One one-off dyno on a terminal, or one command inside a dyno, from its start until nothing of it is left. */
export class OneOff {
  readonly order: OneOffOrder;
  /** Resolves when it has ended and nothing of it is left, however that came. */
  readonly finished: Promise<void>;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  private readonly context: OneOffContext;
  private readonly screen = new Handoff<Buffer>();
  private readonly staging = new AbortController();
  private readonly terminal: Promise<RunTerminal>;
  private readonly exit: Promise<number>;
  private ending: Promise<void> | null = null;
  private launched = false;
  private killed = false;
  private over = false;
  private silent: boolean;
  /** When something was last shown or typed, by the steady clock. */
  private active: number;

  constructor(context: OneOffContext, order: OneOffOrder) {
    this.context = context;
    this.order = order;
    this.startedAt = context.clock.now();
    this.silent = !order.ownDyno;
    this.active = context.clock.steady();
    this.terminal = this.start();
    this.exit = this.live();
    this.finished = this.exit.then(
      () => undefined,
      () => undefined,
    );
  }

  /** What it does now. */
  get state(): 'starting' | 'up' | 'stopping' {
    if (this.ending !== null) return 'stopping';
    return this.launched ? 'up' : 'starting';
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
      const { id, name, release } = this.order;
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
    this.active = this.context.clock.steady();
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

  /** Somebody wants it to end: SIGTERM to all processes, SIGKILL to those that stay. Idempotent. */
  stop(): void {
    this.staging.abort();
    this.end('SIGTERM');
  }

  /** It uses more memory than its quota; at R15 it is killed (reference: heroku-platform 3.9). */
  overQuota(finding: MemoryFinding): void {
    if (this.killed || !tellQuota(finding, this.log.bind(this))) return;
    this.killed = true;
    this.inBackground(
      'killing',
      this.terminal.then((terminal) => terminal.kill('SIGKILL')),
    );
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
    const { signal } = this.staging;
    try {
      const terminal = await this.order.open(signal);
      this.launched = true;
      this.log(line.starting(this.order.command, terminal.port));
      const { note } = this.order;
      if (note !== null) this.log(note);
      this.log(line.changed('starting', 'up'));
      this.context.onChange(this.order.appId);
      return terminal;
    } catch (error) {
      if (!signal.aborted) this.log(startFailure(error));
      throw error;
    }
  }

  private async live(): Promise<number> {
    const { clock } = this.context;
    let terminal: RunTerminal;
    try {
      terminal = await this.terminal;
    } catch (error) {
      this.over = true;
      this.screen.close();
      throw error;
    }
    const cancelLimit = clock.after(this.order.life, () => {
      this.log(runLine.cycling());
      this.end('SIGTERM');
    });
    const cancelIdle = whenIdle(clock, this.context.timers.idle, () => this.active, this.leave.bind(this));
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
      cancelIdle();
      this.screen.close();
      await terminal.close().catch((error: unknown) => {
        this.context.onProblem(`removing ${this.order.name}`, error);
      });
    }
  }

  /** Passes the terminal's output on as its reader takes it; without a reader it is dropped. */
  private async show(terminal: RunTerminal): Promise<void> {
    for await (const bytes of terminal.output) {
      this.active = this.context.clock.steady();
      await this.screen.give(bytes);
    }
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
    this.ending = this.terminate(signal);
    this.context.onChange(this.order.appId);
    this.inBackground('ending', this.ending);
  }

  private async terminate(signal: 'SIGHUP' | 'SIGTERM'): Promise<void> {
    const { timers } = this.context;
    const terminal = await this.terminal;
    if (this.over) return;
    this.log(signal === 'SIGHUP' ? runLine.hangUp() : line.stopping());
    const [grace, times] = signal === 'SIGHUP' ? [timers.hangUp, timers.hangUps] : [timers.exit, 1];
    const again = (): void => {
      this.inBackground('ending', terminal.kill(signal));
    };
    const cancel = repeat(this.context.clock, grace, times - 1, again, () => {
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
    if (!this.silent) this.context.log(this.order.appId, this.order.name, text);
  }

  private inBackground(what: string, task: Promise<unknown>): void {
    task.catch((error: unknown) => {
      if (!this.over) this.context.onProblem(`${what} ${this.order.name}`, error);
    });
  }
}
