/**
 * Takes apart the daemon's stream of standard output and error: frames of a byte for the stream (1 output, 2 error),
 * three zero bytes, a big-endian length and that many bytes.
 */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0);
  private left = 0;
  private stream: 'stdout' | 'stderr' = 'stdout';
  private readonly onBytes: (
    stream: 'stdout' | 'stderr',
    bytes: Buffer,
    first: boolean,
    last: boolean,
  ) => void;

  /**
   * @param onBytes gets a frame's bytes as they come; `first` and `last` tell of the frame's borders
   */
  constructor(onBytes: (stream: 'stdout' | 'stderr', bytes: Buffer, first: boolean, last: boolean) => void) {
    this.onBytes = onBytes;
  }

  /** Takes the next bytes of the stream, cut anywhere. */
  push(chunk: Buffer): void {
    let input = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    this.rest = Buffer.alloc(0);
    while (input.length > 0) {
      if (this.left > 0) {
        const piece = input.subarray(0, this.left);
        this.left -= piece.length;
        input = input.subarray(piece.length);
        this.onBytes(this.stream, piece, false, this.left === 0);
        continue;
      }
      if (input.length < 8) {
        this.rest = input;
        return;
      }
      this.stream = input[0] === 2 ? 'stderr' : 'stdout';
      const length = input.readUInt32BE(4);
      const piece = input.subarray(8, 8 + length);
      this.left = length - piece.length;
      input = input.subarray(8 + piece.length);
      this.onBytes(this.stream, piece, true, this.left === 0);
    }
  }
}
