import { expect, test } from 'vitest';
import { FrameReader } from './frames.ts';

function frame(stream: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

test('frames are found however the stream is cut', () => {
  const stream = Buffer.concat([frame(1, 'one'), frame(2, ''), frame(2, 'two\n'), frame(1, 'three')]);
  for (let cut = 0; cut <= stream.length; cut += 1) {
    for (const step of [1, 3, stream.length]) {
      const seen = { stdout: '', stderr: '', whole: 0 };
      const reader = new FrameReader((name, bytes, _first, last) => {
        seen[name] += bytes.toString();
        if (last) seen.whole += 1;
      });
      reader.push(stream.subarray(0, cut));
      for (let at = cut; at < stream.length; at += step) reader.push(stream.subarray(at, at + step));
      expect(seen).toEqual({ stdout: 'onethree', stderr: 'two\n', whole: 4 });
    }
  }
});
