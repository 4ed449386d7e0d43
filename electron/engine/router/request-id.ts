import { randomFillSync } from 'node:crypto';
import { textOf } from './latin1.ts';

/** The two hexadecimal digits of each byte, the first one in the higher half. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, byte) => {
  const text = byte.toString(16).padStart(2, '0');
  return (text.charCodeAt(0) << 8) | text.charCodeAt(1);
});
/** Ids that are made at once. Their text lives as long as one of them, and so is not long. */
const BATCH = 32;
const ID = '00000000-0000-4000-8000-000000000000';
/** Chance for many ids, of 16 bytes each: to ask for it costs more than to have it made. */
const chance = new Uint8Array(32 * BATCH * 16);
let used = chance.length;
/** Fourth group: its first digit has two bits of chance. */
const VARIANT = Buffer.from('89ab');
const ids = Buffer.from(ID.repeat(BATCH));
const view = new DataView(ids.buffer, ids.byteOffset, ids.length);
let text = '';
let taken = 0;

/**
 * A random UUID (RFC 9562, version 4). That of `node:crypto` is a tree of twenty texts, which is put together anew by whoever writes it:
 * here for the dyno and for the log. These are pieces of one text, and so made without leaving JavaScript.
 */
export function newRequestId(): string {
  if (taken === text.length) {
    makeBatch();
    text = textOf(ids, 0, ids.length);
    taken = 0;
  }
  taken += ID.length;
  return text.slice(taken - ID.length, taken);
}

function makeBatch(): void {
  if (used === chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  for (let at = 0; at < ids.length; at += ID.length) {
    put(at, used, 4);
    put(at + 9, used + 4, 2);
    put(at + 14, used + 6, 2);
    put(at + 19, used + 8, 2);
    put(at + 24, used + 10, 6);
    // Version and variant.
    ids[at + 14] = 52;
    ids[at + 19] = VARIANT[(chance[used + 8] ?? 0) & 3] ?? 0;
    used += 16;
  }
}

function put(at: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) view.setUint16(at + 2 * i, DIGITS[chance[from + i] ?? 0] ?? 0);
}
