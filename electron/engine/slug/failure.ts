import type { BuildFailureCode } from '#shared/model/build.ts';

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
