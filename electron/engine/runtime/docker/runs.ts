import type { Duplex } from 'node:stream';
import type { Clock } from '../../util/clock.ts';
import type { RunSpec, RunTerminal } from '../run-terminal.ts';
import { RuntimeError } from '../runtime.ts';
import { Keyboard, shown } from '../terminal-streams.ts';
import type { AppNetworks } from './app-networks.ts';
import {
  attachTerminal,
  createContainer,
  inspectContainer,
  removeContainer,
  resizeTerminal,
  startContainer,
  waitContainer,
} from './containers.ts';
import type { Daemon } from './daemon.ts';
import { dynoContainerName, pickPort, placeIn, runOptions } from './dyno-container.ts';
import { asRuntimeError, explain, whatIsMissing } from './errors.ts';
import { signalAll } from './signals.ts';

const TRIES = 3;
/** Exit code of a command whose container was removed. */
const KILLED = 137;

interface RunsOptions {
  readonly daemon: Daemon;
  readonly owner: string;
  readonly clock: Clock;
  readonly networks: AppNetworks;
  /** Makes sure of the image that a dyno starts from. @returns its name */
  readonly image: (spec: RunSpec, again: boolean) => Promise<string>;
}

/** One-off dynos of this engine: containers with a terminal. */
export class Runs {
  private readonly options: RunsOptions;
  /** By the dyno's id; no terminal while it is being made. */
  private readonly open = new Map<string, { readonly appId: string; readonly terminal: Terminal | null }>();

  constructor(options: RunsOptions) {
    this.options = options;
  }

  /** True for the id of a one-off dyno that is open here. */
  holds(id: string): boolean {
    return this.open.has(id);
  }

  /** Those that have a container. */
  all(): { id: string; container: string }[] {
    return [...this.open].flatMap(([id, { terminal }]) =>
      terminal === null ? [] : [{ id, container: terminal.container }],
    );
  }

  /** Id of a one-off dyno's container, or null. */
  container(id: string): string | null {
    return this.open.get(id)?.terminal?.container ?? null;
  }

  /** See `Runtime.openRun`. */
  async start(spec: RunSpec): Promise<RunTerminal> {
    this.open.set(spec.id, { appId: spec.appId, terminal: null });
    try {
      const terminal = await this.launch(spec, 1);
      this.open.set(spec.id, { appId: spec.appId, terminal });
      return terminal;
    } catch (error) {
      this.open.delete(spec.id);
      throw asRuntimeError(error, `The one-off dyno ${spec.name} of ${spec.appName} could not be started`);
    }
  }

  /** Ends those of an app, or all. */
  async close(appId?: string): Promise<void> {
    const chosen = [...this.open.values()].flatMap(({ appId: owner, terminal }) =>
      terminal !== null && (appId === undefined || owner === appId) ? [terminal] : [],
    );
    await Promise.all(chosen.map((terminal) => terminal.close()));
  }

  /** Creates, attaches and starts a container; what is missing for it is made and it is tried again. */
  private async launch(spec: RunSpec, attempt: number): Promise<Terminal> {
    const { daemon, owner, networks, clock } = this.options;
    const [image, network] = await Promise.all([
      this.options.image(spec, attempt > 1),
      networks.ensure(spec.appId),
    ]);
    let container: string | null = null;
    try {
      const place = placeIn(network, { image, port: pickPort(clock) }, attempt === 1);
      const name = dynoContainerName(owner, spec);
      container = await createContainer(daemon, name, runOptions(daemon, owner, spec, place));
      const stream = await attachTerminal(daemon, container);
      await startContainer(daemon, container);
      await resizeTerminal(daemon, container, spec.columns, spec.rows);
      return new Terminal({ daemon, container, port: place.port }, stream, () => this.open.delete(spec.id));
    } catch (error) {
      if (container !== null) await removeContainer(daemon, container).catch(() => undefined);
      const missing = whatIsMissing(error);
      if (missing === 'network') networks.forget(spec.appId);
      if (attempt < TRIES && missing !== null) return this.launch(spec, attempt + 1);
      throw error;
    }
  }
}

/** Which container a terminal is that of. */
interface TerminalPlace {
  readonly daemon: Daemon;
  readonly container: string;
  readonly port: number;
}

class Terminal implements RunTerminal {
  readonly port: number;
  readonly output: AsyncIterable<Buffer>;
  readonly exited: Promise<number>;
  readonly container: string;
  private readonly daemon: Daemon;
  private readonly stream: Duplex;
  private readonly keyboard: Keyboard;
  private readonly onClosed: () => void;
  private closing: Promise<void> | null = null;

  constructor(place: TerminalPlace, stream: Duplex, onClosed: () => void) {
    const { daemon, container, port } = place;
    this.daemon = daemon;
    this.container = container;
    this.port = port;
    this.stream = stream;
    this.onClosed = onClosed;
    this.keyboard = new Keyboard(stream);
    this.output = shown(stream);
    this.exited = exitOf(daemon, container);
    this.exited.catch(() => undefined);
  }

  write(text: string): Promise<void> {
    return this.keyboard.type(text);
  }

  resize(columns: number, rows: number): Promise<void> {
    const resized = resizeTerminal(this.daemon, this.container, columns, rows);
    return explain('The terminal of the one-off dyno could not be resized', resized);
  }

  kill(signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const sent = signalAll(this.daemon, this.container, signal);
    return explain(`The one-off dyno could not be sent ${signal}`, sent);
  }

  close(): Promise<void> {
    this.closing ??= explain('The one-off dyno could not be removed', this.remove());
    return this.closing;
  }

  private async remove(): Promise<void> {
    // First, since the daemon waits for an attached reader that does not read before it takes note of the end.
    this.stream.destroy();
    try {
      await removeContainer(this.daemon, this.container);
    } finally {
      this.onClosed();
    }
  }
}

async function exitOf(daemon: Daemon, container: string): Promise<number> {
  try {
    return await waitContainer(daemon, container, new AbortController().signal);
  } catch (error) {
    const facts = await inspectContainer(daemon, container).catch(() => undefined);
    if (facts === null) return KILLED;
    if (facts?.running === false) return facts.exitCode;
    const text = 'Docker no longer tells how the one-off dyno goes on. Run the command again.';
    throw new RuntimeError('unavailable', text, error);
  }
}
