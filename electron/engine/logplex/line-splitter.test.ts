import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, type SplitLine } from './line-splitter.ts';
import { endOfPiece, textPieces, unfinishedBytes } from './utf8.ts';

const texts = (lines: readonly SplitLine[]): string[] => lines.map((line) => line.text);

/** Cuts bytes at the given places (any numbers). */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function split(chunks: readonly Buffer[]): string[] {
  const splitter = new LineSplitter();
  const lines = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk), 1));
  return texts([...lines, ...splitter.end()]);
}

/** What the lines shall be, from all bytes at once and in the plainest way. */
function expected(bytes: Buffer): string[] {
  const rows = bytes.toString('utf8').split('\n');
  const last = rows.pop() ?? '';
  const lines = rows.map((row) => row.replace(/\r$/, ''));
  return [...lines, ...(last === '' ? [] : [last])].flatMap((line) => {
    const pieces = [''];
    let size = 0;
    for (const character of line) {
      const length = Buffer.byteLength(character);
      if (size + length > 10_000) {
        pieces.push('');
        size = 0;
      }
      pieces[pieces.length - 1] += character;
      size += length;
    }
    return pieces;
  });
}

const nastyBytes = fc
  .array(
    fc.oneof(
      fc
        .constantFrom('\n', '\r\n', '\r', '\0', 'a', 'é', '€', '😀', '\u{FEFF}')
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom([0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90])
        .map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.concat(parts));

const longBytes = fc
  .array(
    fc.tuple(
      fc
        .constantFrom('a', 'é', '€', '😀', '\r')
        .map((text) => Buffer.from(text))
        .chain((unit) => fc.constantFrom(unit, Buffer.from([0xff]), Buffer.from([0xe2, 0x82]))),
      fc.integer({ min: 1, max: 9_000 }),
      fc.constantFrom('', '', '\n', '\r\n'),
    ),
    { maxLength: 6 },
  )
  .map((parts) =>
    Buffer.concat(
      parts.flatMap(([unit, count, end]) => [Buffer.alloc(unit.length * count, unit), Buffer.from(end)]),
    ),
  );

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut, invalid ones included', () => {
    fc.assert(
      fc.property(nastyBytes, fc.array(fc.nat(1_000), { maxLength: 30 }), (bytes, places) => {
        expect(split(cut(bytes, places))).toEqual(expected(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('cuts long lines at the same places however the bytes are cut', () => {
    fc.assert(
      fc.property(longBytes, fc.array(fc.nat(100_000), { maxLength: 12 }), (bytes, places) => {
        const lines = split(cut(bytes, places));
        expect(lines).toEqual(expected(bytes));
        for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(10_000);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps a character that is spread over chunks, a lone CR and NUL', () => {
    const euro = Buffer.from('€');
    expect(
      split([euro.subarray(0, 1), euro.subarray(1), Buffer.from(' 10%\r20%\0\r'), Buffer.from('\n\r\n\n')]),
    ).toEqual(['€ 10%\r20%\0', '', '']);
  });

  it('does not cut a line of exactly 10 000 bytes', () => {
    for (const ends of [['\n'], ['\r\n'], ['\r', '\n'], ['']]) {
      const chunks = ['x'.repeat(10_000), ...ends].map((chunk) => Buffer.from(chunk));
      expect(split(chunks)).toEqual(['x'.repeat(10_000)]);
    }
    expect(split([Buffer.from(`${'x'.repeat(10_001)}\r\n`)])).toEqual(['x'.repeat(10_000), 'x']);
  });

  it('gives a line the time of its first byte', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('a\nb'), 10)).toEqual([{ at: 10, text: 'a' }]);
    expect(splitter.push(Buffer.from('c'), 20)).toEqual([]);
    expect(splitter.push(Buffer.from('\nd\n'), 30)).toEqual([
      { at: 10, text: 'bc' },
      { at: 30, text: 'd' },
    ]);
  });

  it('gives the pieces of a long line the times of their first bytes', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from('x'.repeat(9_999)), 10);
    const pieces = [
      ...splitter.push(Buffer.from('é'.repeat(3)), 20),
      ...splitter.push(Buffer.from('z'.repeat(9_999)), 30),
      ...splitter.end(),
    ];
    expect(pieces.map(({ at, text }) => [at, text.length])).toEqual([
      [10, 9_999],
      [20, 3 + 9_994],
      [30, 5],
    ]);
  });

  it('bounds what it holds of a line that never ends', () => {
    const splitter = new LineSplitter();
    let given = 0;
    for (let count = 0; count < 100; count += 1) {
      given += texts(splitter.push(Buffer.alloc(7_001, 'x'), 1)).join('').length;
      expect(splitter.pending).toBeLessThan(10_010);
    }
    expect(given + splitter.pending).toBe(700_100);
  });

  it('flushes a prompt, and adds no empty line when its end comes', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from('name? '), 1);
    expect(texts(splitter.flush())).toEqual(['name? ']);
    expect([splitter.pending, splitter.midLine]).toEqual([0, true]);
    expect(texts(splitter.push(Buffer.from('\r\n\nnext\n'), 2))).toEqual(['', 'next']);
    splitter.push(Buffer.from('age? '), 3);
    splitter.flush();
    expect(texts(splitter.push(Buffer.from('42\n\n'), 4))).toEqual(['42', '']);
  });

  it('does not flush half a character', () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from([0x61, 0xe2, 0x82]), 1);
    expect(texts(splitter.flush())).toEqual(['a']);
    expect(splitter.flush()).toEqual([]);
    expect(texts(splitter.push(Buffer.from([0xac, 0x0a]), 2))).toEqual(['€']);
  });

  it('does not keep the buffer it was given', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.from('abc');
    splitter.push(chunk, 1);
    chunk.fill('z');
    expect(texts(splitter.end())).toEqual(['abc']);
  });
});

describe('UTF-8', () => {
  it('cuts where decoding the pieces one by one gives the decoded whole', () => {
    fc.assert(
      fc.property(nastyBytes, fc.integer({ min: 4, max: 20 }), (bytes, limit) => {
        const pieces: string[] = [];
        for (let from = 0; from < bytes.length; ) {
          const end = endOfPiece(bytes, from, bytes.length, limit);
          expect(end).toBeGreaterThan(from);
          pieces.push(bytes.toString('utf8', from, end));
          from = end;
        }
        expect(pieces.join('')).toBe(bytes.toString('utf8'));
        for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(limit);
        expect(textPieces(bytes.toString('utf8'), limit).join('')).toBe(bytes.toString('utf8'));
      }),
      { numRuns: 1_000 },
    );
  });

  it('knows how many bytes of the last character are missing', () => {
    expect(unfinishedBytes(Buffer.from('a€'))).toBe(0);
    expect(unfinishedBytes(Buffer.from('a€').subarray(0, -1))).toBe(2);
    expect(unfinishedBytes(Buffer.from('😀').subarray(0, 3))).toBe(3);
    expect(unfinishedBytes(Buffer.from([0x61, 0xff]))).toBe(0);
    expect(unfinishedBytes(Buffer.from([0xe2, 0x41]))).toBe(0);
    expect(unfinishedBytes(Buffer.from([]))).toBe(0);
  });
});
