/** Colours and styles, which are kept; every other sequence that means something to a terminal; single control characters. */
const SEQUENCES =
  /(\x1b\[[0-9;:]*m)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;
/** A sequence that has begun and may end in the next piece. */
const BEGUN = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?$/;
/** Longest sequence that is waited for, in characters. */
const MAX_WAIT = 4_096;

/**
 * Output of foreign scripts as a terminal may be given it: text, line ends, colours. What would move the cursor, name the window or
 * write into the clipboard of whoever reads the log is left out.
 */
export class SafeText {
  private held = '';

  /** Takes the next piece, cut anywhere. @returns what may be shown of it */
  write(piece: string): string {
    const text = this.held + piece;
    const begun = BEGUN.exec(text)?.[0] ?? '';
    this.held = begun.length > MAX_WAIT ? '' : begun;
    const whole = text.slice(0, text.length - this.held.length);
    return whole.replace(SEQUENCES, (_, colour: string | undefined) => colour ?? '');
  }
}
