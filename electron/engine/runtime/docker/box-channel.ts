import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Mutex } from '../../util/mutex.ts';
import { RuntimeError } from '../runtime.ts';
import { FrameReader } from './frames.ts';
import { MarkedOutput } from './marked-output.ts';

/** Bytes that go to the box in one block. Each block costs a process there, so small pieces are gathered. */
const BLOCK_BYTES = 1024 * 1024;

/** What a command of the box does with its output and gets as input. */
export interface BoxCommand {
  readonly kind: 'do' | 'run';
  readonly script: string;
  readonly onOutput?: (bytes: Buffer) => void;
  /** Bytes that `frames` reads in the box. */
  readonly input?: AsyncIterable<Buffer | string> | Iterable<Buffer | string>;
}

/** The one connection to the agent of a build box. Commands run one after the other. */
export class BoxChannel {
  private readonly stream: Duplex;
  private readonly turns = new Mutex();
  private current: MarkedOutput | null = null;
  private lost: RuntimeError | null = null;
  private lastComplaint = '';
  private onLost: (error: RuntimeError) => void = () => undefined;

  constructor(stream: Duplex) {
    this.stream = stream;
    const frames = new FrameReader((name, bytes) => {
      if (name === 'stdout') this.current?.push(bytes);
    });
    stream.on('data', (chunk: Buffer) => {
      frames.push(chunk);
    });
    const ended = (): void => {
      const reason = 'it was removed, or its build used more memory than there is';
      this.fail(new RuntimeError('failed', `The build container ended by itself: ${reason}. Deploy again.`));
    };
    stream.on('end', ended).on('close', ended).on('error', ended);
  }

  /** True once the box is gone; it never comes back. */
  get closed(): boolean {
    return this.lost !== null;
  }

  /** What the last command said when it failed, as part of a sentence. */
  complaint(): string {
    const text = this.lastComplaint.replace(/[;\s]+$/, '');
    return text === '' ? '' : ` (${text})`;
  }

  /**
   * Runs a command once all before it are through.
   * @returns its exit code
   * @throws RuntimeError when the box is gone, or what `input` threw
   */
  command(command: BoxCommand): Promise<number> {
    return this.turns.run(() => this.execute(command));
  }

  /** Makes all commands, also waiting ones, fail with this error. */
  fail(error: RuntimeError): void {
    if (this.lost) return;
    this.lost = error;
    this.onLost(error);
    this.stream.destroy();
  }

  /** Stops and starts reading; while it is stopped the box waits with its output. */
  pause(stopped: boolean): void {
    if (stopped) this.stream.pause();
    else this.stream.resume();
  }

  private async execute(command: BoxCommand): Promise<number> {
    if (this.lost) throw this.lost;
    const nonce = randomBytes(18).toString('base64url');
    const result = new Promise<number>((resolve, reject) => {
      this.onLost = reject;
      this.current = new MarkedOutput(nonce, command.onOutput ?? (() => undefined), (code, complaint) => {
        this.lastComplaint = complaint;
        resolve(code);
      });
    });
    result.catch(() => undefined);
    const script = Buffer.from(command.script.replaceAll('\0', ''));
    await this.write(
      Buffer.concat([Buffer.from(`${command.kind} ${nonce} ${String(script.length)}\n`), script]),
    );
    const problem = command.input ? await this.feed(command.input) : null;
    try {
      const code = await result;
      if (problem !== null) throw problem.error;
      return code;
    } finally {
      this.current = null;
      this.pause(false);
    }
  }

  /** Sends blocks; an input that fails is ended as if it were complete, and the error given back. */
  private async feed(
    input: AsyncIterable<Buffer | string> | Iterable<Buffer | string>,
  ): Promise<{ error: unknown } | null> {
    let gathered: Buffer[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      if (size > 0) await this.write(Buffer.concat([Buffer.from(`${String(size)}\n`), ...gathered]));
      gathered = [];
      size = 0;
    };
    let problem: { error: unknown } | null = null;
    try {
      for await (const chunk of input) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        gathered.push(bytes);
        size += bytes.length;
        if (size >= BLOCK_BYTES) await flush();
      }
      await flush();
    } catch (error) {
      problem = { error };
    }
    await this.write(Buffer.from('0\n'));
    return problem;
  }

  private async write(bytes: Buffer): Promise<void> {
    if (this.lost) throw this.lost;
    if (this.stream.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.stream.off('drain', done).off('close', done);
        resolve();
      };
      this.stream.on('drain', done).on('close', done);
    });
    if (this.closed) throw this.lost ?? new RuntimeError('failed', 'The build container is gone.');
  }
}
