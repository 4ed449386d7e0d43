import { expect, test } from 'vitest';
import { MarkedOutput } from './marked-output.ts';

const NONCE = 'abcabcabd';

function read(pieces: readonly string[]): { output: string; ends: [number, string][] } {
  let output = '';
  const ends: [number, string][] = [];
  const marked = new MarkedOutput(
    NONCE,
    (bytes) => (output += bytes.toString()),
    (code, complaint) => ends.push([code, complaint]),
  );
  for (const piece of pieces) marked.push(Buffer.from(piece));
  return { output, ends };
}

test('output is what stands between the marks, however the stream is cut', () => {
  const stream = `left over ${NONCE}Babcabc and abcabcab\nabcabcabc${NONCE}E17 tar: no such file\nnext`;
  for (let first = 0; first <= stream.length; first += 1) {
    for (let second = first; second <= stream.length; second += 7) {
      const { output, ends } = read([
        stream.slice(0, first),
        stream.slice(first, second),
        stream.slice(second),
      ]);
      expect(output).toBe('abcabc and abcabcab\nabcabcabc');
      expect(ends).toEqual([[17, 'tar: no such file']]);
    }
  }
});

test('output comes before the command has ended, but for what may be a mark', () => {
  expect(read([`${NONCE}Bhello abcabc`])).toEqual({ output: 'hello ', ends: [] });
  expect(read([`${NONCE}Bhello\n`])).toEqual({ output: 'hello\n', ends: [] });
});
