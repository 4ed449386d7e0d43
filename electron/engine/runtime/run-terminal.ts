import type { DynoSize } from '#shared/model/size.ts';
import type { DynoSpec } from './runtime.ts';

/** A one-off dyno to be started, with the size of its terminal in characters. */
export interface RunSpec extends DynoSpec {
  readonly columns: number;
  readonly rows: number;
}

/** A command to be run in a dyno that runs already, with the size of its terminal in characters. */
export interface InsideSpec {
  /** Unique for ever. */
  readonly id: string;
  /** Id and name of the dyno. */
  readonly dyno: string;
  readonly dynoName: string;
  readonly appName: string;
  /** Of the dyno. */
  readonly size: DynoSize;
  /** Run as the dyno's own command is. */
  readonly command: string;
  /** What the dyno was started with, and more; the runtime adds HOME, PORT, PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly columns: number;
  readonly rows: number;
}

/**
 * A one-off dyno that has been started, seen from its terminal (reference: heroku-platform 3.10); or a command inside
 * a dyno: then what is said of the dyno holds for the processes of that command.
 */
export interface RunTerminal {
  /** Value of PORT inside. */
  readonly port: number;
  /**
   * What the terminal shows, cut anywhere; to be read once. It ends when the command has ended and all was read. While nobody
   * reads, no more than a few buffers are kept and the command is held up as soon as it writes.
   */
  readonly output: AsyncIterable<Buffer>;
  /**
   * Exit code of the command; 128 + signal number when a signal ended it.
   * Rejects with RuntimeError `unavailable` when the runtime was lost before it could be told.
   */
  readonly exited: Promise<number>;
  /** Types text. Resolves when there is room for more, or when the command has ended. */
  write(text: string): Promise<void>;
  /**
   * Sets the size in characters; programs in the terminal get SIGWINCH. Nothing happens when the command has ended.
   * @throws RuntimeError `failed`
   */
  resize(columns: number, rows: number): Promise<void>;
  /** Sends a signal to all processes of the dyno. A dyno that is gone counts as success. */
  kill(signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends the command at once if it still runs, and removes all that is left of the dyno. Idempotent. */
  close(): Promise<void>;
}
