/** Longest line that is waited for, in characters; a longer one is handed out in pieces. */
const MAX_LINE = 10_000;

/** Cuts growing text into lines. */
export class LineLog {
  private readonly onLines: (lines: readonly string[]) => void;
  private rest = '';

  /** @param onLines gets what became whole with one piece of text, never nothing */
  constructor(onLines: (lines: readonly string[]) => void) {
    this.onLines = onLines;
  }

  write(text: string): void {
    const lines = (this.rest + text).split(/\r?\n/);
    this.rest = lines.pop() ?? '';
    while (this.rest.length > MAX_LINE) {
      lines.push(this.rest.slice(0, MAX_LINE));
      this.rest = this.rest.slice(MAX_LINE);
    }
    if (lines.length > 0) this.onLines(lines);
  }

  /** Hands out a last line that has no end. */
  end(): void {
    if (this.rest !== '') this.onLines([this.rest]);
    this.rest = '';
  }
}
