/** A buildpack could not be had. The message is the end of a sentence, without its full stop. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  /** True when another try would end alike. */
  readonly final: boolean;

  constructor(message: string, final: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.final = final;
  }
}
