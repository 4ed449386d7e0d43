import { putText } from './latin1.ts';

/** What a byte may be part of (RFC 9110, 5.1, 5.5 and 5.6.2); indexed by its code, which is below 256. */
const TOKEN = 1;
const TARGET = 2;
const HOST = 4;

const CLASSES = new Uint8Array(256);
for (let code = 0; code < 256; code++) {
  const char = String.fromCharCode(code);
  const visible = code > 32 && code !== 127;
  if (/[A-Za-z0-9!#$%&'*+.^_`|~-]/.test(char)) CLASSES[code] = TOKEN;
  if (visible && char !== '#') CLASSES[code] = (CLASSES[code] ?? 0) | TARGET;
  if (visible && code < 127 && !/["#,/?@\\]/.test(char)) CLASSES[code] = (CLASSES[code] ?? 0) | HOST;
}

export const CR = 13;
export const LF = 10;
export const SPACE = 32;
export const SLASH = 47;
const TAB = 9;
const COLON = 58;
const DEL = 127;

/**
 * Index of the first byte from `at` on that is no token character. Here and below reading stops at the CR that every piece of a
 * head ends with, and nothing looks where the bytes end.
 */
export function endOfToken(bytes: Uint8Array, at: number): number {
  return skip(bytes, at, TOKEN);
}

/** Same for the characters of a header's value: all but the control characters, of which the tab is allowed. */
export function endOfValue(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let code = bytes[at] ?? 0; code >= SPACE ? code !== DEL : code === TAB; code = bytes[++at] ?? 0);
  return at;
}

/** Same for the characters of a request's target; fragments have no place in one. */
export function endOfTarget(bytes: Uint8Array, at: number): number {
  return skip(bytes, at, TARGET);
}

/** True for bytes that can be a Host header and that do no harm in a line of the log. */
export function isHost(bytes: Uint8Array, from: number, to: number): boolean {
  return to > from && skip(bytes, from, HOST) === to;
}

function skip(bytes: Uint8Array, from: number, mask: number): number {
  let at = from;
  while (((CLASSES[bytes[at] ?? 0] ?? 0) & mask) !== 0) at++;
  return at;
}

/** One line of a head, as last found by `readField`. */
export class Field {
  /** End of the name, which begins at the line. */
  nameEnd = 0;
  /** Value without the white space around it. */
  valueStart = 0;
  valueEnd = 0;
  /** Behind the line's CRLF. */
  next = 0;
}

/**
 * Reads the header line that begins at `at`: a token, a colon, a value, CRLF. Nothing is forgiven: no space before the
 * colon, no folded line, no bare CR or LF, no control character (RFC 9112, 5).
 * @returns false when the line is none
 */
export function readField(bytes: Uint8Array, at: number, field: Field): boolean {
  const nameEnd = skip(bytes, at, TOKEN);
  if (nameEnd === at || bytes[nameEnd] !== COLON) return false;
  const lineEnd = endOfValue(bytes, nameEnd + 1);
  if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) return false;
  let start = nameEnd + 1;
  while (start < lineEnd && isBlank(bytes[start])) start++;
  let end = lineEnd;
  while (end > start && isBlank(bytes[end - 1])) end--;
  field.nameEnd = nameEnd;
  field.valueStart = start;
  field.valueEnd = end;
  field.next = lineEnd + 2;
  return true;
}

function isBlank(code: number | undefined): boolean {
  return code === SPACE || code === TAB;
}

/** True when the bytes from `start` up to `end` are this text. */
export function isText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** True when the bytes from `start` on are `name` (lower case), in any case. Both have the same length. */
export function isName(bytes: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = bytes[start + i] ?? 0;
    const lower = code >= 65 && code <= 90 ? code | 32 : code;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** A Content-Length, between two places: 1 to 15 digits and nothing else; -1 for anything else. */
export function lengthOf(bytes: Uint8Array, from: number, to: number): number {
  if (to === from || to - from > 15) return -1;
  let length = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** True when a comma-separated list has the member (lower case), in any case. */
export function hasMember(list: string, member: string): boolean {
  if (list === member) return true;
  const lower = list.toLowerCase();
  return lower === member || (lower.includes(',') && lower.split(',').some((each) => each.trim() === member));
}

let scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** The first `length` characters of a text as bytes, which are read much faster; valid until the next call. */
export function bytesOf(text: string, length: number): Buffer {
  if (length > scratch.length) scratch = Buffer.allocUnsafeSlow(length);
  putText(scratch, text, 0, length);
  return scratch;
}
