/** What a character may be part of (RFC 9110, 5.1, 5.5 and 5.6.2); indexed by its code, which is below 256. */
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

/** Index of the first character from `at` on that is no token character; at most the length of the text. */
export function endOfToken(text: string, at: number): number {
  return skip(text, at, TOKEN);
}

/** Same for the characters of a header's value: all but the control characters, of which the tab is allowed. */
export function endOfValue(text: string, from: number): number {
  let at = from;
  // Behind the end of the text there is no number, and every comparison fails.
  for (
    let code = text.charCodeAt(at);
    code >= SPACE ? code !== DEL : code === TAB;
    code = text.charCodeAt(++at)
  );
  return at;
}

/** Same for the characters of a request's target; fragments have no place in one. */
export function endOfTarget(text: string, at: number): number {
  return skip(text, at, TARGET);
}

/** True for a text that can be a Host header and that does no harm in a line of the log. */
export function isHost(text: string): boolean {
  return text.length > 0 && skip(text, 0, HOST) === text.length;
}

function skip(text: string, from: number, mask: number): number {
  const { length } = text;
  let at = from;
  while (at < length && ((CLASSES[text.charCodeAt(at)] ?? 0) & mask) !== 0) at++;
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
export function readField(text: string, at: number, field: Field): boolean {
  const nameEnd = skip(text, at, TOKEN);
  if (nameEnd === at || text.charCodeAt(nameEnd) !== COLON) return false;
  const lineEnd = endOfValue(text, nameEnd + 1);
  if (text.charCodeAt(lineEnd) !== CR || text.charCodeAt(lineEnd + 1) !== LF) return false;
  let start = nameEnd + 1;
  while (start < lineEnd && isBlank(text.charCodeAt(start))) start++;
  let end = lineEnd;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  field.nameEnd = nameEnd;
  field.valueStart = start;
  field.valueEnd = end;
  field.next = lineEnd + 2;
  return true;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** True when the text from `start` on is `name` (lower case), in any case. Both have the same length. */
export function isName(text: string, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = text.charCodeAt(start + i);
    const lower = code >= 65 && code <= 90 ? code | 32 : code;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** A Content-Length, between two places of a text: 1 to 15 digits and nothing else; -1 for anything else. */
export function lengthOf(text: string, from: number, to: number): number {
  if (to === from || to - from > 15) return -1;
  let length = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** True when a comma-separated list has the member (lower case), in any case. */
export function hasMember(list: string, member: string): boolean {
  if (!list.includes(',')) return list.length === member.length && isName(list, 0, member);
  return list
    .toLowerCase()
    .split(',')
    .some((each) => each.trim() === member);
}
