import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../util/clock.ts';
import type { DynoExit, DynoInstance, OutputPosition, OutputSink } from '../runtime.ts';
import { type DynoRecord, FILES, readExit, readIdentity, writeWhole } from './dyno-files.ts';
import { FolderWatch } from './folder-watch.ts';
import { exitCode, isAlive, killMarked, signalGroup } from './identity.ts';
import { OldOutput } from './old-output.ts';
import { type Offsets, OutputFollower, parseOffsets } from './output-follower.ts';

/** How long a process of an engine before may take to say who it is, in milliseconds. */
const LAUNCH_GRACE = 10_000;
/** How often adopted processes are looked at, in milliseconds. */
const POLL = 1_000;
/** Exit code when nobody wrote one: only SIGKILL ends the first process of a dyno without a word. */
const KILLED = 137;

/** What a dyno needs of the runtime. */
export interface DynoContext {
  readonly clock: Clock;
  /** Called once when the dyno has ended. */
  readonly onExit: (dyno: Dyno, exit: DynoExit) => void;
}

/** A dyno: its folder, its process group, its output. */
export class Dyno {
  readonly record: DynoRecord;
  readonly folder: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<DynoExit>;
  exit: DynoExit | null = null;
  private readonly context: DynoContext;
  private readonly watch: FolderWatch;
  private readonly followers = new Set<OutputFollower>();
  private child: ChildProcess | null = null;
  private lookout: Disposable | null = null;
  private cancelPoll: (() => void) | null = null;
  private looking: Promise<void> | null = null;
  private lookAgain = false;
  private closed = false;
  private readonly old: OldOutput;
  private resolveEnd: (exit: DynoExit) => void = () => undefined;

  constructor(record: DynoRecord, folder: string, context: DynoContext) {
    this.record = record;
    this.folder = folder;
    this.context = context;
    this.watch = new FolderWatch(folder, context.clock);
    this.old = new OldOutput(folder, () => this.followers);
    this.ended = new Promise((resolve) => {
      this.resolveEnd = resolve;
    });
  }

  /** Takes over a process that this engine has started; it may have ended already. */
  own(child: ChildProcess): void {
    this.child = child;
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      void this.conclude(exitCode(code, signal));
    };
    if (child.exitCode !== null || child.signalCode !== null) gone(child.exitCode, child.signalCode);
    else child.once('exit', gone);
  }

  /** Takes over the process of an engine before; afterwards `exit` says whether it has ended. */
  async adopt(): Promise<void> {
    await this.look();
    if (this.exit !== null || this.closed) return;
    this.lookout = this.watch.listen(() => void this.look());
    this.poll();
  }

  describe(): DynoInstance {
    const { id, appId, name, type, release, size, command, port, startedAt } = this.record;
    const { exit } = this;
    return {
      ...{ id, appId, name, type, release, size, command, port, startedAt },
      address: exit === null ? { host: '127.0.0.1', port } : null,
      exit: exit === null ? null : { code: exit.code, at: exit.at, outOfMemory: exit.outOfMemory },
    };
  }

  async signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.exit !== null) return;
    const group = await this.launchedGroup();
    if (group !== null) signalGroup(group, signal);
    if (this.child === null && signal === 'SIGKILL') void this.lookClosely();
  }

  /** Ends it, hands out the last of its output, and tells of its end. */
  async end(): Promise<void> {
    while (this.exit === null) {
      await this.signal('SIGKILL');
      await Promise.race([this.ended, sleep(20)]);
    }
    await killMarked(this.folder);
    for (const follower of [...this.followers]) await follower.finish();
    this.close();
  }

  follow(sink: OutputSink, after: OutputPosition | undefined): Disposable {
    const state: { follower: OutputFollower | null; over: boolean } = { follower: null, over: false };
    let listening: Disposable | null = null;
    const stop = (): void => {
      state.over = true;
      listening?.[Symbol.dispose]();
      if (state.follower === null) return;
      state.follower.dispose();
      this.followers.delete(state.follower);
    };
    const add = (begin: Offsets): OutputFollower | null => {
      if (state.over) return null;
      const wanted = parseOffsets(after);
      const from = {
        stdout: Math.max(wanted.stdout, begin.stdout),
        stderr: Math.max(wanted.stderr, begin.stderr),
      };
      const follower = new OutputFollower(this.folder, from, sink, this.context.clock);
      state.follower = follower;
      this.followers.add(follower);
      return follower;
    };
    const start = async (): Promise<void> => {
      const follower = await this.old.withReader(add);
      if (follower === null || state.over) return;
      if (this.exit === null) {
        listening = this.watch.listen(() => {
          follower.wake();
          void this.old.trim();
        });
        follower.wake();
        await this.ended;
      }
      await follower.finish();
      await this.old.trim();
      stop();
    };
    void start();
    return { [Symbol.dispose]: stop };
  }

  /** Lets go of it without touching its process. */
  close(): void {
    this.closed = true;
    this.lookout?.[Symbol.dispose]();
    this.cancelPoll?.();
    for (const follower of this.followers) follower.dispose();
    this.followers.clear();
    this.watch[Symbol.dispose]();
  }

  private poll(): void {
    this.cancelPoll = this.context.clock.after(POLL, () => {
      if (this.exit !== null || this.closed) return;
      this.poll();
      void this.look();
    });
  }

  /** Finds out whether an adopted process has ended. A call during a look makes it look once more. */
  private look(): Promise<void> {
    this.lookAgain = true;
    this.looking ??= this.lookWhileAsked().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async lookWhileAsked(): Promise<void> {
    while (this.lookAgain && this.exit === null && this.child === null) {
      this.lookAgain = false;
      if (!(await this.isRunning())) await this.conclude(KILLED);
    }
  }

  /** Nothing is written when an adopted dyno is killed, so look more often for a moment. */
  private async lookClosely(): Promise<void> {
    for (let tries = 0; tries < 25 && this.exit === null && !this.closed; tries += 1) {
      await sleep(20);
      await this.look();
    }
  }

  private async isRunning(): Promise<boolean> {
    if ((await readExit(this.folder)) !== null) return false;
    const identity = await readIdentity(this.folder);
    if (identity !== null) return isAlive(identity);
    return this.context.clock.now() - this.record.startedAt < LAUNCH_GRACE;
  }

  /** The same, once a process that an engine before has just started has said who it is. */
  private async launchedGroup(): Promise<number | null> {
    for (;;) {
      const group = await this.group();
      if (group !== null || this.exit !== null || this.closed || !(await this.isRunning())) return group;
      await sleep(20);
    }
  }

  /** The process group while it surely is this dyno's. */
  async group(): Promise<number | null> {
    if (this.child !== null) return this.child.pid ?? null;
    const identity = await readIdentity(this.folder);
    return identity !== null && (await isAlive(identity)) ? identity.pid : null;
  }

  private async conclude(code: number): Promise<void> {
    const written = await readExit(this.folder).catch(() => null);
    if (this.exit !== null) return;
    const exit = { id: this.record.id, code, at: this.context.clock.now(), outOfMemory: false, ...written };
    this.exit = exit;
    if (written === null)
      await writeWhole(join(this.folder, FILES.exit), `${String(code)}\n`).catch(() => undefined);
    this.lookout?.[Symbol.dispose]();
    this.cancelPoll?.();
    this.resolveEnd(exit);
    if (!this.closed) this.context.onExit(this, exit);
  }
}
