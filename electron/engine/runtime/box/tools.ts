import { type ChildProcess, execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { RuntimeError } from '../runtime.ts';

/** What a tool of the system is given. */
export interface ToolOptions {
  readonly cwd?: string;
  readonly input?: Readable | Buffer;
  readonly signal?: AbortSignal;
}

const STDERR_KEPT = 4_000;

/**
 * Runs a tool of the system to its end.
 * @param what names the step in errors, for example `unpacking the source`
 * @throws RuntimeError `disk_full`, `cancelled` or `failed` with the first words of the tool's complaint
 */
export async function runTool(
  what: string,
  command: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<void> {
  const { input, signal, cwd } = options;
  if (signal?.aborted) throw cancelled(what);
  const child = spawn(command, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
  });
  const ended = toolEnd(what, child);
  const fed = feed(child, input);
  const [end, feeding] = await Promise.allSettled([ended, fed]);
  if (signal?.aborted) throw cancelled(what);
  if (feeding.status === 'rejected' && !isBrokenPipe(feeding.reason))
    throw toRuntimeError(what, feeding.reason);
  if (end.status === 'rejected') throw end.reason;
}

/**
 * Resolves when a started tool has ended well.
 * @param accept decides about other exit codes than 0
 * @throws RuntimeError `disk_full` or `failed`
 */
export function toolEnd(
  what: string,
  child: ChildProcess,
  accept: (code: number, complaint: string) => boolean = () => false,
): Promise<void> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < STDERR_KEPT) complaint += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(toRuntimeError(what, error));
    });
    child.once('close', (code, signal) => {
      if (code === 0 || (code !== null && accept(code, complaint))) resolve();
      else reject(complained(what, complaint.trim() || `it ended with ${signal ?? `code ${String(code)}`}`));
    });
  });
}

/** Text as one word of bash. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Output of a tool, or null when it is not there or fails. */
export async function probe(command: string, args: readonly string[]): Promise<string | null> {
  try {
    return (await promisify(execFile)(command, args, { timeout: 10_000 })).stdout;
  } catch {
    return null;
  }
}

/** Wraps what went wrong in a step; a RuntimeError stays as it is. */
export function toRuntimeError(what: string, error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  return complained(what, error instanceof Error ? error.message : String(error), error);
}

/** The error of a step that was called off. */
export function cancelled(what: string): RuntimeError {
  return new RuntimeError('cancelled', `${what} was cancelled.`);
}

/** True for an error of the file system with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function complained(what: string, complaint: string, cause?: unknown): RuntimeError {
  const full = /no space left on device|ENOSPC|disk quota exceeded|EDQUOT/i.test(complaint);
  const next = full ? ' Free some disk space and try again.' : '';
  return new RuntimeError(full ? 'disk_full' : 'failed', `${what} failed: ${complaint}.${next}`, cause);
}

async function feed(child: ChildProcess, input: Readable | Buffer | undefined): Promise<void> {
  if (input === undefined || child.stdin === null) return;
  if (Buffer.isBuffer(input)) await pipeline([input], child.stdin);
  else await pipeline(input, child.stdin);
}

function isBrokenPipe(error: unknown): boolean {
  return hasCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR');
}
