import { randomFillSync } from 'node:crypto';
import { textOf } from './latin1.ts';

/** The two hexadecimal digits of each byte, the first one in the higher half. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const text = byte.toString(16).padStart(2, '0');
  return (text.charCodeAt(0) << 8) | text.charCodeAt(1);
});
/** Chance for 128 ids, of 16 bytes each. */
const chance = new Uint8Array(128 * 16);
let used = chance.length;
/** Fourth group: its first digit has two bits of chance. */
const VARIANT = Buffer.from('89ab');
const id = Buffer.from('00000000-0000-4000-8000-000000000000');
const view = new DataView(id.buffer, id.byteOffset, id.length);

/**
 * A random UUID (RFC 9562, version 4). That of `node:crypto` is a tree of twenty texts, which is put together anew by whoever writes it:
 * here for the dyno and for the log.
 */
export function newRequestId(): string {
  if (used === chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  const first = used;
  used += 16;
  put(0, first, 4);
  put(9, first + 4, 2);
  put(14, first + 6, 2);
  put(19, first + 8, 2);
  put(24, first + 10, 6);
  // Version and variant.
  id[14] = 52;
  id[19] = VARIANT[(chance[first + 8] ?? 0) & 3] ?? 0;
  return textOf(id, 0, id.length);
}

function put(at: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) view.setUint16(at + 2 * i, DIGITS[chance[from + i] ?? 0] ?? 0);
}
