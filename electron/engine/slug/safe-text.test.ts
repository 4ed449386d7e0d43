import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SafeText } from './safe-text.ts';

const ESC = '\x1b';
const safe = (...pieces: string[]): string => {
  const filter = new SafeText();
  return pieces.map((piece) => filter.write(piece)).join('');
};

it('keeps text, line ends and colours', () => {
  const text = `-----> größe\t1\r\n${ESC}[1;31mred${ESC}[0m\n`;
  expect(safe(text)).toBe(text);
});

it('leaves out what would do something to the terminal of a reader', () => {
  expect(safe(`a${ESC}]0;title\x07b`)).toBe('ab');
  expect(safe(`a${ESC}]52;c;c2VjcmV0${ESC}\\b`)).toBe('ab');
  expect(safe(`a${ESC}[2J${ESC}[H${ESC}[?1049hb${ESC}c\x07\x08\x9b31m`)).toBe('ab31m');
  expect(safe(`a${ESC}P1$r${ESC}\\b`)).toBe('ab');
});

it('is the same however the output is cut, and never lets anything but colours through', () => {
  const piece = fc.constantFrom(
    ESC,
    '[',
    ']',
    '3',
    ';',
    'm',
    'J',
    '\x07',
    '\\',
    'P',
    'text',
    '\n',
    'ä',
    '\x9b',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const shown = safe(...pieces);
      expect(shown).toBe(safe(pieces.join('')));
      expect(shown.replace(/\x1b\[[0-9;:]*m/g, '')).not.toMatch(/[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f]/);
    }),
  );
});

it('does not wait for ever for the end of a sequence', () => {
  const filter = new SafeText();
  filter.write(`${ESC}]0;`);
  const shown = Array.from({ length: 10 }, () => filter.write('x'.repeat(1_000))).join('');
  expect(shown.length).toBeGreaterThan(4_000);
});
