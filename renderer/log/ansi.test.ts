import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnsi, stripAnsi } from './ansi.ts';

const ESC = '\x1b';

describe('colour codes', () => {
  it.each([
    ['plain text', [['plain text', null]]],
    [
      `${ESC}[31mred${ESC}[0m rest`,
      [
        ['red', { foreground: 1 }],
        [' rest', null],
      ],
    ],
    [
      `${ESC}[1;92mok${ESC}[22m green`,
      [
        ['ok', { foreground: 10, bold: true }],
        [' green', { foreground: 10 }],
      ],
    ],
    [`${ESC}[38;5;196mcube`, [['cube', { foreground: 'rgb(255 0 0)' }]]],
    [`${ESC}[38;5;244mgrey`, [['grey', { foreground: 'rgb(128 128 128)' }]]],
    [`${ESC}[48;2;1;2;300mtrue`, [['true', { background: 'rgb(1 2 255)' }]]],
    [`${ESC}[3;4;7;2mall`, [['all', { italic: true, underline: true, inverse: true, dim: true }]]],
    [`${ESC}[mreset`, [['reset', null]]],
  ])('%j', (line, expected) => {
    const spans = parseAnsi(line);
    expect(spans.map((span) => span.text)).toEqual(expected.map(([text]) => text));
    for (const [index, [, style]] of expected.entries()) {
      if (style === null) expect(spans[index]?.style).toBeNull();
      else expect(spans[index]?.style).toMatchObject(style as object);
    }
  });

  it('shows what is left of a progress bar', () => {
    expect(stripAnsi('10%\r50%\r100% done')).toBe('100% done');
    expect(stripAnsi('done\r')).toBe('done');
  });

  it('removes sequences that are no colours', () => {
    expect(stripAnsi(`${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\ ${ESC}[2K${ESC}[1Aup${ESC}c!`)).toBe(
      'link up!',
    );
  });

  it('keeps the text of any line and leaves no control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = parseAnsi(text)
          .map((span) => span.text)
          .join('');
        expect(shown).toBe(stripAnsi(text));
        expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
      }),
    );
  });
});
