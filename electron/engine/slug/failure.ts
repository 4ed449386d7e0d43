import { isDiskFull } from '#shared/errors.ts';
import type { BuildFailureCode } from '#shared/model/build.ts';
import { RuntimeError } from '../runtime/runtime.ts';

/** A build that cannot go on. The message is for the build log and the person: what, why, what to do. */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
  readonly code: BuildFailureCode;
  /** True when the build log says it already, in the platform's words. */
  readonly said: boolean;

  constructor(code: BuildFailureCode, message: string, cause?: unknown, said = false) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.said = said;
  }
}

/** The system's code of an error (`ENOENT`, …), or an empty text. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What failures of the runtime are called in a build. */
const RUNTIME_FAILURES: Partial<Record<RuntimeError['code'], BuildFailureCode>> = {
  stack_failed: 'stack_failed',
  unsupported: 'stack_failed',
  build_failed: 'compile_failed',
  disk_full: 'disk_full',
};

/** A thrown value as the build's failure. */
export function toBuildFailure(error: unknown, signal: AbortSignal): BuildFailure {
  if (signal.aborted) return new BuildFailure('cancelled', 'The build was cancelled.', error);
  if (error instanceof BuildFailure) return error;
  if (error instanceof RuntimeError) {
    return new BuildFailure(RUNTIME_FAILURES[error.code] ?? 'internal', error.message, error);
  }
  if (isDiskFull(error)) {
    const text = 'The disk that the data folder is on is full. Free some space, and deploy again.';
    return new BuildFailure('disk_full', text, error);
  }
  return new BuildFailure(
    'internal',
    `The build failed inside Slipway: ${error instanceof Error ? error.message : String(error)}.`,
    error,
  );
}
