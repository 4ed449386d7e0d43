/** Most bytes of UTF-8 in the text of one line; longer lines are cut into pieces (reference: heroku-platform 5.1). */
export const MAX_LINE_BYTES = 10_000;

/** U+FFFD, which stands for bytes that are not UTF-8, has this many bytes. */
const REPLACEMENT_BYTES = 3;

/**
 * Looks at the bytes from `at` as a UTF-8 decoder does (WHATWG Encoding: one U+FFFD for each maximal subpart).
 * @returns the length of a valid sequence, or the negative length of what becomes one U+FFFD
 */
function sequenceAt(raw: Uint8Array, at: number, to: number): number {
  const lead = raw[at] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let index = 1; index <= more; index += 1) {
    const byte = at + index < to ? (raw[at + index] ?? 0) : 0;
    if (byte < low || byte > high) return -index;
    low = 0x80;
    high = 0xbf;
  }
  return more + 1;
}

/**
 * End of the first piece of `raw[from, to)`: as much as fits into `limit` bytes once decoded, cut between
 * characters. It is `to` when everything fits. The result depends on the bytes alone, not on how they came.
 */
export function endOfPiece(
  raw: Uint8Array,
  from: number,
  to: number,
  limit: number = MAX_LINE_BYTES,
): number {
  if ((to - from) * REPLACEMENT_BYTES <= limit) return to;
  let at = from;
  let decoded = 0;
  while (at < to) {
    const length = sequenceAt(raw, at, to);
    decoded += length > 0 ? length : REPLACEMENT_BYTES;
    if (decoded > limit) return at;
    at += Math.abs(length);
  }
  return to;
}

/** How many bytes at the end begin a character whose rest has not come yet: 0 to 3. */
export function unfinishedBytes(raw: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, raw.length); length += 1) {
    const at = raw.length - length;
    const lead = raw[at] ?? 0;
    if (lead >= 0xc2) return lead <= 0xf4 && sequenceAt(raw, at, raw.length) === -length ? length : 0;
    if (lead < 0x80) return 0;
  }
  return 0;
}

/** Cuts a text into pieces of at most `limit` bytes of UTF-8, between characters; most texts are one piece. */
export function textPieces(text: string, limit: number = MAX_LINE_BYTES): string[] {
  if (text.length * REPLACEMENT_BYTES <= limit || Buffer.byteLength(text) <= limit) return [text];
  const raw = Buffer.from(text);
  const pieces: string[] = [];
  for (let from = 0; from < raw.length; ) {
    const end = endOfPiece(raw, from, raw.length, limit);
    pieces.push(raw.toString('utf8', from, end));
    from = end;
  }
  return pieces;
}
