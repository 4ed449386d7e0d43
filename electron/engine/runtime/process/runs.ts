import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTool, toRuntimeError } from '../box/tools.ts';
import type { InsideSpec, RunSpec, RunTerminal } from '../run-terminal.ts';
import { RuntimeError } from '../runtime.ts';
import { Keyboard, shown } from '../terminal-streams.ts';
import { FILES, readExit, readIdentity } from './dyno-files.ts';
import type { HostEnv } from './host-env.ts';
import { isAlive, killMarked, signalGroup, signalSession } from './identity.ts';
import type { Layout } from './layout.ts';
import type { Ports } from './ports.ts';
import { findPtyTool, type PtyTool, sttyOf } from './pty.ts';
import { type LaunchedRun, launchRun, type RunPlace } from './run-launch.ts';
import type { SlugStore } from './slug-store.ts';

/** Exit code of a command that was killed before it could be written down. */
const KILLED = 137;
/** How long what holds a terminal may take to note that its command was killed, in milliseconds. */
const END_POLL = 200;

interface RunsOptions {
  readonly layout: Layout;
  readonly host: HostEnv;
  readonly slugs: SlugStore;
  readonly ports: Ports;
  /** What gives processes a terminal; looked up unless given. */
  readonly tool?: PtyTool;
}

/** What has a terminal here. */
interface Open {
  /** App of a one-off dyno; null for a command inside another dyno. */
  readonly appId: string | null;
  /** Id of the dyno that it is inside. */
  readonly inside: string | null;
  /** None while it is being made. */
  readonly terminal: Terminal | null;
}

/** A dyno as a command inside it needs it. */
export interface DynoPlace {
  readonly folder: string;
  readonly port: number;
}

/** One-off dynos of this engine, and commands inside dynos: processes on a terminal of `script`, each with a folder of its own. */
export class Runs {
  private readonly options: RunsOptions;
  /** By the id of one-off dyno or command. */
  private readonly open = new Map<string, Open>();
  private tool: Promise<PtyTool> | null = null;

  constructor(options: RunsOptions) {
    this.options = options;
  }

  /** See `Runtime.openRun`. */
  async start(spec: RunSpec): Promise<RunTerminal> {
    const { layout, host, slugs, ports } = this.options;
    const { id, appId } = spec;
    const folder = layout.run(id);
    const inside = null;
    const doing = `starting ${spec.name} of ${spec.appName}`;
    this.open.set(id, { appId, inside, terminal: null });
    const port = await ports.take();
    const remove = async (): Promise<void> => {
      ports.release(port);
      await this.endInside(id);
      await layout.remove(folder);
      this.open.delete(id);
    };
    try {
      const tool = await this.ptyTool();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await slugs.copyTo(spec.slug, join(folder, FILES.home));
      const launched = await launchRun(doing, placeOf(folder, { folder, port }, spec), spec, host, tool);
      const terminal = new Terminal(folder, launched, tool, remove);
      void terminal.exited.then(() => this.endInside(id));
      this.open.set(id, { appId, inside, terminal });
      return terminal;
    } catch (error) {
      await killMarked(folder);
      await remove();
      throw toRuntimeError(doing, error);
    }
  }

  /**
   * See `Runtime.openInside`.
   * @param dyno the dyno when it is none of those that are open here, or null
   */
  async startInside(spec: InsideSpec, dyno: DynoPlace | null): Promise<RunTerminal> {
    const { layout, host } = this.options;
    const { id, dyno: inside } = spec;
    const place = dyno ?? this.placeOfRun(inside);
    if (place === null) {
      const text = `${spec.dynoName} of ${spec.appName} does not run, so nothing can be run inside it.`;
      throw new RuntimeError('not_found', `${text} Start it, or use a one-off dyno.`);
    }
    const doing = `running a command inside ${spec.dynoName} of ${spec.appName}`;
    const folder = layout.run(id);
    this.open.set(id, { appId: null, inside, terminal: null });
    const remove = async (): Promise<void> => {
      await layout.remove(folder);
      this.open.delete(id);
    };
    try {
      const tool = await this.ptyTool();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const launched = await launchRun(doing, placeOf(folder, place, spec), spec, host, tool);
      const terminal = new Terminal(folder, launched, tool, remove);
      this.open.set(id, { appId: null, inside, terminal });
      return terminal;
    } catch (error) {
      await killMarked(folder);
      await remove();
      throw toRuntimeError(doing, error);
    }
  }

  /** First process of each one-off dyno that runs, by id. */
  leaders(): ReadonlyMap<string, number> {
    return new Map(
      [...this.open].flatMap(([id, { terminal, inside }]): [string, number][] =>
        terminal === null || inside !== null || terminal.isOver() ? [] : [[id, terminal.leader]],
      ),
    );
  }

  /** Signals the commands inside a dyno. */
  async signalInside(dyno: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await Promise.all(this.terminals((each) => each.inside === dyno).map((each) => each.kill(signal)));
  }

  /** Ends the commands inside a dyno that has gone; how they ended can still be asked. */
  async endInside(dyno: string): Promise<void> {
    await Promise.all(this.terminals((each) => each.inside === dyno).map((each) => each.close()));
  }

  /** Ends those of an app, or all. */
  async close(appId?: string): Promise<void> {
    const chosen = this.terminals((each) => appId === undefined || each.appId === appId);
    await Promise.all(chosen.map((terminal) => terminal.close()));
  }

  /** Ends and removes what a former engine has left. */
  async sweep(): Promise<void> {
    const { layout } = this.options;
    for (const id of await readdir(layout.runs)) {
      if (this.open.has(id)) continue;
      const folder = layout.run(id);
      const identity = await readIdentity(folder);
      if (identity !== null && (await isAlive(identity)))
        await signalSession(identity.pid, folder, 'SIGKILL');
      await killMarked(folder);
      await layout.remove(folder);
    }
  }

  private terminals(chosen: (open: Open) => boolean): Terminal[] {
    return [...this.open.values()].flatMap((each) =>
      each.terminal !== null && chosen(each) ? [each.terminal] : [],
    );
  }

  /** The place of a one-off dyno that runs, or null. */
  private placeOfRun(id: string): DynoPlace | null {
    const found = this.open.get(id);
    if (found === undefined || found.terminal === null || found.inside !== null) return null;
    return found.terminal.isOver()
      ? null
      : { folder: this.options.layout.run(id), port: found.terminal.port };
  }

  private ptyTool(): Promise<PtyTool> {
    this.tool ??= this.options.tool === undefined ? findPtyTool() : Promise.resolve(this.options.tool);
    return this.tool;
  }
}

/** @param folder for the terminal's own files */
function placeOf(
  folder: string,
  dyno: DynoPlace,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): RunPlace {
  return { folder, dyno: dyno.folder, port: dyno.port, columns, rows };
}

class Terminal implements RunTerminal {
  readonly port: number;
  readonly output: AsyncIterable<Buffer>;
  readonly exited: Promise<number>;
  private readonly folder: string;
  private readonly run: LaunchedRun;
  private readonly tool: PtyTool;
  private readonly remove: () => Promise<void>;
  private readonly keyboard: Keyboard;
  private over = false;
  private killed = false;
  private closing: Promise<void> | null = null;

  constructor(folder: string, run: LaunchedRun, tool: PtyTool, remove: () => Promise<void>) {
    this.folder = folder;
    this.run = run;
    this.port = run.port;
    this.tool = tool;
    this.remove = remove;
    this.keyboard = new Keyboard(run.child.stdin);
    this.output = shown(run.child.stdout);
    this.exited = this.end();
  }

  write(text: string): Promise<void> {
    return this.keyboard.type(text);
  }

  async resize(columns: number, rows: number): Promise<void> {
    const { terminal } = this.run;
    if (terminal === null || this.over) return;
    // The system tells the programs in the terminal (SIGWINCH).
    const size = ['cols', String(columns), 'rows', String(rows)];
    try {
      await runTool('resizing the terminal', 'stty', [...sttyOf(this.tool, terminal), ...size]);
    } catch (error) {
      if (!this.isOver()) throw error;
    }
  }

  async kill(signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') this.killed = true;
    if (!this.over) await signalSession(this.run.group, this.folder, signal);
  }

  /** Process that leads the session. */
  get leader(): number {
    return this.run.group;
  }

  close(): Promise<void> {
    this.closing ??= this.endAndRemove();
    return this.closing;
  }

  /** True once the command has ended. */
  isOver(): boolean {
    return this.over;
  }

  /** What is left of the dyno ends with its command. */
  private async end(): Promise<number> {
    const { ended, child, group } = this.run;
    const code = await ended;
    this.over = true;
    await signalSession(group, this.folder, 'SIGKILL');
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    return (await readExit(this.folder).catch(() => null))?.code ?? (this.killed ? KILLED : code);
  }

  private async endAndRemove(): Promise<void> {
    while (!this.over) {
      await this.kill('SIGKILL');
      // What holds the terminal may wait for its output to be read.
      this.run.child.stdout.destroy();
      await Promise.race([this.exited, sleep(END_POLL)]);
      if (this.run.child.pid !== undefined && !this.isOver()) signalGroup(this.run.child.pid, 'SIGKILL');
    }
    await this.exited;
    for (const stream of [this.run.child.stdin, this.run.child.stdout]) stream.destroy();
    await this.remove();
  }
}
