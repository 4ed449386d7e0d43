/** What buffers have beside their public side: the same as `toString('latin1')` and `write`, without looking up the encoding. */
interface RawBuffer extends Buffer {
  latin1Slice(from: number, to: number): string;
  latin1Write(text: string, at: number, length?: number): number;
}

/** Bytes as text, one character for each byte. */
export function textOf(buffer: Buffer, from: number, to: number): string {
  return (buffer as RawBuffer).latin1Slice(from, to);
}

/** The same text in one piece of memory. A text that was put together is a tree of its parts, which costs whoever reads it. */
export function flat(text: string): string {
  return textOf(Buffer.from(text, 'latin1'), 0, text.length);
}

/** Puts text, or its first `length` characters, into a buffer, one byte for each character. */
export function putText(buffer: Buffer, text: string, at: number, length = text.length): void {
  (buffer as RawBuffer).latin1Write(text, at, length);
}
