import * as z from 'zod';

/** Stable codes of the errors that cross the contract. */
export const ERROR_CODES = [
  'invalid_params',
  'unauthorized',
  'forbidden',
  'not_found',
  'app_not_found',
  'name_taken',
  'conflict',
  'no_release',
  'no_process_type',
  'limit_reached',
  'too_large',
  'unavailable',
  'runtime_unavailable',
  'unknown_endpoint',
  'disconnected',
  'cancelled',
  'internal',
] as const;
export const ErrorCode = z.enum(ERROR_CODES);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** An error as data, the same on every transport. */
export const ErrorData = z.object({
  code: ErrorCode,
  /** Names the thing, the reason and the next step, in plain words. */
  message: z.string(),
  /** Whether the same call may go through later. */
  retryable: z.boolean(),
  /** Facts about the error for programs, for example the offending field. */
  data: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorData = z.infer<typeof ErrorData>;

/** SQLite's code for a disk, or a database file, that has no room. */
const SQLITE_FULL = 13;

/** True for an error that says, in the words of the system or of SQLite, that the disk has no room. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true;
  return 'errcode' in error && error.errcode === SQLITE_FULL;
}

/** The one error class of contract and engine; everything else that is thrown is a bug and crosses as `internal`. */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly data: Record<string, unknown> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryable?: boolean; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.data = options.data;
  }

  /** The error as it crosses a transport. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.data === undefined ? {} : { data: this.data }),
    };
  }

  /** Makes the error again on the other side. */
  static from(data: ErrorData): SlipwayError {
    return new SlipwayError(data.code, data.message, {
      retryable: data.retryable,
      ...(data.data === undefined ? {} : { data: data.data }),
    });
  }
}
