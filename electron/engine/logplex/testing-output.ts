/** Bytes of an output without end: the numbers from 1 on, nine digits and a line end each. */
export function numberedOutput(offset: number, size: number): Buffer {
  const first = Math.floor(offset / 10);
  const count = Math.ceil(size / 10) + 1;
  const lines = Array.from({ length: count }, (_, index) => `${numbered(first + index + 1)}\n`).join('');
  return Buffer.from(lines.slice(offset % 10, (offset % 10) + size));
}

/** A line of `numberedOutput`. */
export function numbered(value: number): string {
  return String(value).padStart(9, '0');
}
