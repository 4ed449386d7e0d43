/**
 * Finds one command's output in the stream of the box: what stands between `<nonce>B` and `<nonce>E<code> <complaint>`
 * with a line end. Everything before is left over from earlier commands and dropped. Bytes that may be the start of a mark wait.
 */
export class MarkedOutput {
  private readonly mark: Buffer;
  private readonly onOutput: (bytes: Buffer) => void;
  private readonly onEnd: (code: number, complaint: string) => void;
  private held: Buffer = Buffer.alloc(0);
  private state: 'before' | 'output' | 'code' | 'done' = 'before';

  constructor(
    nonce: string,
    onOutput: (bytes: Buffer) => void,
    onEnd: (code: number, complaint: string) => void,
  ) {
    this.mark = Buffer.from(nonce);
    this.onOutput = onOutput;
    this.onEnd = onEnd;
  }

  /** Takes the next bytes of the stream, cut anywhere. */
  push(chunk: Buffer): void {
    let input = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    this.held = Buffer.alloc(0);
    if (this.state === 'before') input = this.skipToOutput(input);
    if (this.state === 'output') input = this.passOutput(input);
    if (this.state === 'code') this.readCode(input);
  }

  private skipToOutput(input: Buffer): Buffer {
    const at = input.indexOf(this.mark);
    const end = at + this.mark.length + 1;
    if (at < 0 || input.length < end) {
      this.held = Buffer.from(input.subarray(at < 0 ? Math.max(0, input.length - this.mark.length) : at));
      return Buffer.alloc(0);
    }
    this.state = 'output';
    return input.subarray(end);
  }

  private passOutput(input: Buffer): Buffer {
    const at = input.indexOf(this.mark);
    if (at >= 0) {
      if (at > 0) this.onOutput(input.subarray(0, at));
      this.state = 'code';
      return input.subarray(at + this.mark.length);
    }
    const safe = input.length - this.overlap(input);
    if (safe > 0) this.onOutput(input.subarray(0, safe));
    this.held = Buffer.from(input.subarray(safe));
    return Buffer.alloc(0);
  }

  private readCode(input: Buffer): void {
    const end = input.indexOf('\n');
    if (end < 0) {
      this.held = Buffer.from(input);
      return;
    }
    this.state = 'done';
    const [code = '', ...complaint] = input.subarray(1, end).toString('utf8').split(' ');
    this.onEnd(Number(code), complaint.join(' '));
  }

  /** Length of the longest end of `input` that is a start of the mark. */
  private overlap(input: Buffer): number {
    for (let length = Math.min(this.mark.length - 1, input.length); length > 0; length -= 1) {
      if (input.subarray(input.length - length).equals(this.mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
