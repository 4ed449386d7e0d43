import { RuntimeError } from '../runtime/runtime.ts';

/** A slug archive that is not what was written: nothing is started from it (R17, reference: heroku-platform 5.4). */
export class ChecksumError extends RuntimeError {
  /** SHA-256 in lower-case hex: of what was written, and of what is there. */
  readonly expected: string;
  readonly actual: string;

  constructor(expected: string, actual: string) {
    super(
      'failed',
      `The file of the slug ${expected.slice(0, 8)} was damaged on the disk since it was written. Deploy again, or roll back to another release.`,
    );
    this.expected = expected;
    this.actual = actual;
  }
}
