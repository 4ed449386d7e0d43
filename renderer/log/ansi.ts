/** How a stretch of a log line looks; colours are an index of the 16-colour palette or a CSS colour. */
export interface TextStyle {
  readonly foreground: number | string | null;
  readonly background: number | string | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

/** A stretch of text of one look. */
export interface Span {
  readonly text: string;
  readonly style: TextStyle | null;
}

const PLAIN: TextStyle = {
  foreground: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
};

/** Every escape sequence: CSI, OSC up to its end, and the two-character ones; and control characters but tab. */
const ESCAPES =
  /\x1b\[([0-9;:?<=>]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g;
const HAS_CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/;

/**
 * Cuts a line into stretches by its colour codes (SGR: 16, 256 and true colours, bold, dim, italic, underline,
 * inverse). All other escape sequences are removed, and a carriage return starts the line anew, as a terminal
 * would show it (reference: ui-anchors 2.1).
 */
export function parseAnsi(line: string): readonly Span[] {
  if (!HAS_CONTROL.test(line)) return [{ text: line, style: null }];
  const spans: Span[] = [];
  let style = PLAIN;
  let end = 0;
  const source = lastReturn(line);
  const add = (text: string): void => {
    if (text !== '') spans.push({ text, style: style === PLAIN ? null : style });
  };
  for (const match of source.matchAll(ESCAPES)) {
    add(source.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[2] === 'm') style = applyCodes(style, match[1] ?? '');
  }
  add(source.slice(end));
  return spans;
}

/** The line without any escape sequence. */
export function stripAnsi(line: string): string {
  return HAS_CONTROL.test(line) ? lastReturn(line).replace(ESCAPES, '') : line;
}

/** What is left to see of progress bars: the text behind the last carriage return that something follows. */
function lastReturn(line: string): string {
  const trimmed = line.replace(/\r+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1);
}

function applyCodes(style: TextStyle, codes: string): TextStyle {
  const numbers = codes.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  let next = style;
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 38 || code === 48) {
      const { color, used } = extendedColor(numbers, at + 1);
      if (color !== null) next = { ...next, [code === 38 ? 'foreground' : 'background']: color };
      at += used;
    } else next = applyCode(next, code);
  }
  return next;
}

function extendedColor(
  numbers: readonly number[],
  at: number,
): { color: number | string | null; used: number } {
  if (numbers[at] === 5) return { color: paletteColor(numbers[at + 1] ?? 0), used: 2 };
  if (numbers[at] !== 2) return { color: null, used: 0 };
  const parts = [1, 2, 3].map((offset) => Math.min(255, numbers[at + offset] ?? 0));
  return { color: `rgb(${parts.join(' ')})`, used: 4 };
}

/** A colour of the 256: the first 16 follow the theme, then a cube of 6 × 6 × 6, then 24 greys. */
function paletteColor(index: number): number | string | null {
  if (!(index >= 0 && index < 256)) return null;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

const SWITCHES: Readonly<Record<number, Partial<TextStyle>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  39: { foreground: null },
  49: { background: null },
};

function applyCode(style: TextStyle, code: number): TextStyle {
  if (code === 0) return PLAIN;
  if (code >= 30 && code <= 37) return { ...style, foreground: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, foreground: code - 90 + 8 };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 100 + 8 };
  const change = SWITCHES[code];
  return change === undefined ? style : { ...style, ...change };
}
