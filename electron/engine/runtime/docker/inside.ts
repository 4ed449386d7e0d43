import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InsideSpec, RunTerminal } from '../run-terminal.ts';
import { RuntimeError } from '../runtime.ts';
import { Keyboard, shown } from '../terminal-streams.ts';
import { inspectContainer } from './containers.ts';
import type { Daemon } from './daemon.ts';
import { RUN_START } from './dyno-container.ts';
import { LABEL } from './names.ts';
import { asRuntimeError, explain, reasonOf, statusOf } from './errors.ts';
import { execAndWait, execEnd, execOnTerminal, resizeExec, type TerminalExec } from './exec.ts';

/** Variable that marks every process of a command inside a dyno. */
const MARK = 'SLIPWAY_INSIDE';
/** Exit code of a command whose dyno has gone, or that was killed. */
const KILLED = 137;
const UNREAD = 126;
/** How often it is looked whether a command has ended whose output nobody reads, in milliseconds. */
const END_POLL = 1_000;
/** The same at first when its output has ended. */
const SOON = 20;

/**
 * Signals the processes that carry a mark ($1; any when empty) and those of their sessions, as programs may clear their environment. With
 * KILL ($2) it goes on until none is left.
 */
const SIGNAL_MARKED = `
id=$1 signal=$2 sessions=' ' round=0
while [ "$round" -lt 200 ]; do
  round=$((round + 1))
  found=
  for folder in /proc/[0-9]*; do
    line=
    { read -r line < "$folder/stat"; } 2> /dev/null
    [ -n "$line" ] || continue
    pid=\${folder#/proc/}
    set -- \${line##*) }
    [ "$1" != Z ] && [ "$pid" != "$$" ] || continue
    if grep -qsz "^${MARK}=$id" "$folder/environ"; then sessions="$sessions$4 "
    else case $sessions in *" $4 "*) ;; *) continue ;; esac
    fi
    found="$found $pid"
  done
  [ -n "$found" ] || break
  kill "-$signal" $found 2> /dev/null
  [ "$signal" = KILL ] || break
  sleep 0.02
done
`;

/** Commands of this engine inside dynos: further processes of their containers, each on a terminal. */
export class InsideRuns {
  private readonly daemon: Daemon;
  /** By the command's id, with the container. */
  private readonly open = new Map<string, { readonly container: string; readonly terminal: Terminal }>();

  constructor(daemon: Daemon) {
    this.daemon = daemon;
  }

  /**
   * See `Runtime.openInside`.
   * @param container that of the dyno; null when there is none
   */
  async start(spec: InsideSpec, container: string | null): Promise<RunTerminal> {
    const { id, dynoName, appName, columns, rows, command } = spec;
    const doing = `A command could not be run inside ${dynoName} of ${appName}`;
    const facts = container === null ? null : await explain(doing, inspectContainer(this.daemon, container));
    if (container === null || facts?.running !== true) throw notRunning(spec);
    try {
      const ofImage = facts.labels[LABEL.image] !== undefined;
      const words = ofImage ? ['/bin/sh', '-c', command] : ['bash', '-c', RUN_START, 'bash', command];
      const exec = await execOnTerminal(this.daemon, container, words, { ...spec.env, [MARK]: id });
      await resizeExec(this.daemon, exec.id, columns, rows);
      const port = Number(facts.labels[LABEL.port] ?? '');
      const terminal = new Terminal({ daemon: this.daemon, container, id, port }, exec, () =>
        this.open.delete(id),
      );
      this.open.set(id, { container, terminal });
      return terminal;
    } catch (error) {
      if (isGone(error)) throw notRunning(spec);
      throw asRuntimeError(error, doing);
    }
  }

  /** Ends all. */
  async close(): Promise<void> {
    await Promise.all([...this.open.values()].map(({ terminal }) => terminal.close()));
  }

  /** Ends what a former engine has left in a container that runs. */
  async sweep(container: string): Promise<void> {
    if ([...this.open.values()].some((each) => each.container === container)) return;
    const facts = await inspectContainer(this.daemon, container);
    if (facts?.running === true && facts.execs > 0) await signalMarked(this.daemon, container, '', 'SIGKILL');
  }
}

function notRunning({ dynoName, appName }: InsideSpec): RuntimeError {
  const text = `${dynoName} of ${appName} does not run, so nothing can be run inside it.`;
  return new RuntimeError('not_found', `${text} Start it, or use a one-off dyno.`);
}

/** True for an answer about a container that has gone or ended. */
function isGone(error: unknown): boolean {
  const status = statusOf(error);
  return status === 404 || (status === 409 && /not running/i.test(reasonOf(error)));
}

/** Sends a signal to the processes of one command inside a container, or of all; SIGKILL leaves none. A container that is gone is fine. */
async function signalMarked(
  daemon: Daemon,
  container: string,
  id: string,
  signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  try {
    await execAndWait(daemon, container, ['/bin/sh', '-c', SIGNAL_MARKED, 'sh', id, signal.slice(3)]);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

interface TerminalPlace {
  readonly daemon: Daemon;
  readonly container: string;
  /** Of the command. */
  readonly id: string;
  readonly port: number;
}

class Terminal implements RunTerminal {
  readonly port: number;
  readonly output: AsyncIterable<Buffer>;
  readonly exited: Promise<number>;
  private readonly place: TerminalPlace;
  private readonly exec: string;
  private readonly stream: Duplex;
  private readonly keyboard: Keyboard;
  private readonly onClosed: () => void;
  private over = false;
  private closing: Promise<void> | null = null;

  constructor(place: TerminalPlace, { id, stream }: TerminalExec, onClosed: () => void) {
    this.place = place;
    this.port = place.port;
    this.exec = id;
    this.stream = stream;
    this.onClosed = onClosed;
    this.keyboard = new Keyboard(stream);
    this.output = shown(stream);
    this.exited = this.end();
    this.exited.catch(() => undefined);
  }

  write(text: string): Promise<void> {
    return this.keyboard.type(text);
  }

  async resize(columns: number, rows: number): Promise<void> {
    if (this.over) return;
    const resized = resizeExec(this.place.daemon, this.exec, columns, rows);
    await explain('The terminal inside the dyno could not be resized', resized);
  }

  async kill(signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.over) return;
    const { daemon, container, id } = this.place;
    const sent = signalMarked(daemon, container, id, signal);
    await explain(`The command inside the dyno could not be sent ${signal}`, sent);
  }

  close(): Promise<void> {
    this.closing ??= this.remove();
    return this.closing;
  }

  private async remove(): Promise<void> {
    this.stream.destroy();
    const { daemon, container, id } = this.place;
    try {
      const killed = signalMarked(daemon, container, id, 'SIGKILL');
      await explain('The command inside the dyno could not be ended', killed);
      await this.exited.catch(() => undefined);
    } finally {
      this.onClosed();
    }
  }

  /** The daemon tells of the end of a command by the end of its output; where nobody reads that, it is asked. */
  private async end(): Promise<number> {
    const { daemon } = this.place;
    const closed = new Promise<void>((resolve) => {
      this.stream
        .once('end', resolve)
        .once('close', resolve)
        .once('error', () => {
          resolve();
        });
    });
    try {
      for (let pause = SOON; ; ) {
        const end = await execEnd(daemon, this.exec);
        const open = !this.stream.destroyed && !this.stream.readableEnded;
        // Docker answers a start before it makes it: until then nothing is known of the command, as when it is gone.
        if (end !== 'running' && (end !== null || !open)) {
          this.over = true;
          // What the daemon says of a command whose reader went away.
          return end === null || (end === UNREAD && this.closing !== null) ? KILLED : end;
        }
        if (open) {
          await Promise.race([closed, sleep(END_POLL)]);
          continue;
        }
        await sleep(pause);
        pause = Math.min(2 * pause, END_POLL);
      }
    } catch (error) {
      const text = 'Docker no longer tells how the command inside the dyno goes on. Run it again.';
      throw new RuntimeError('unavailable', text, error);
    }
  }
}
