import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BodySink, ChunkReader } from './chunked.ts';
import { RequestHead } from './request-head.ts';
import { ResponseHead } from './response-head.ts';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';

/** Collects what a reader passes on. */
class Collector implements BodySink {
  got = '';

  span(buffer: Buffer, from: number, to: number): void {
    this.got += buffer.toString('latin1', from, to);
  }

  text(text: string): void {
    this.got += text;
  }
}

/** Feeds the body in pieces that end where `cuts` says; answers what was passed on and how many bytes were taken, -1 for bad. */
function feed(text: string, cuts: readonly number[], keepFraming: boolean): { got: string; taken: number } {
  const reader = new ChunkReader(keepFraming);
  const sink = new Collector();
  const whole = Buffer.from(text, 'latin1');
  const ends = [...new Set(cuts.map((cut) => cut % (whole.length + 1))), whole.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    while (at < end) {
      // Each piece in memory of its own, as off a socket.
      const piece = Buffer.from(whole.subarray(at, end));
      const taken = reader.feed(piece, 0, piece.length, sink);
      if (taken < 0) return { got: sink.got, taken: -1 };
      at += taken;
      if (reader.done) return { got: sink.got, taken: at };
    }
  }
  return { got: sink.got, taken: -2 };
}

const chunk = fc.record({
  data: fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }),
  extension: fc.constantFrom('', '', '', ';a', ';a=b', ';a="b c"', ';\tx'),
  pad: fc.constantFrom('', '0', '000'),
});
const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

test('a chunked body arrives the same however it is cut, with and without its framing', () => {
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 6 }),
      fc.constantFrom('', 'X: y\r\n', 'X: y\r\nZ: w\r\n'),
      cuts,
      (chunks, trailers, where) => {
        const size = (data: string, pad: string): string => pad + data.length.toString(16);
        const text = chunks.map((it) => `${size(it.data, it.pad)}${it.extension}\r\n${it.data}\r\n`).join('');
        const plain = chunks.map((it) => `${size(it.data, it.pad)}\r\n${it.data}\r\n`).join('');
        const body = `${text}0\r\n${trailers}\r\n`;
        expect(feed(`${body}GET /`, where, true)).toEqual({
          got: `${plain}0\r\n${trailers}\r\n`,
          taken: body.length,
        });
        expect(feed(`${body}GET /`, where, false)).toEqual({
          got: chunks.map((it) => it.data).join(''),
          taken: body.length,
        });
      },
    ),
    { numRuns: 500 },
  );
});

test('a damaged chunked body is judged the same however it is cut', () => {
  const body = '5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n';
  fc.assert(
    fc.property(
      fc.nat(body.length - 1),
      fc.constantFrom('\r', '\n', '\0', ' ', ';', 'g', '5', ''),
      cuts,
      (at, bad, where) => {
        const text = body.slice(0, at) + bad + body.slice(at + 1);
        const whole = feed(text, [], true);
        const cut = feed(text, where, true);
        expect(cut.taken).toBe(whole.taken);
        if (whole.taken > 0) expect(cut.got).toBe(whole.got);
      },
    ),
    { numRuns: 1000 },
  );
});

const GOOD =
  'POST /a?b=c HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 5\r\nConnection: keep-alive\r\nX-Forwarded-For: 1.2.3.4\r\nAccept: */*\r\n\r\n';

test('a damaged request head is refused or still one head of plain lines with one framing', () => {
  const head = new RequestHead();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(GOOD.length - 5), fc.integer({ min: 0, max: 255 }), fc.boolean()), {
        minLength: 1,
        maxLength: 3,
      }),
      (damages) => {
        let text = GOOD;
        for (const [at, code, insert] of damages)
          text = text.slice(0, at) + String.fromCharCode(code) + text.slice(insert ? at : at + 1);
        const end = text.indexOf('\r\n\r\n') + 4;
        if (head.read(text, Buffer.from(text, 'latin1'), end) !== null) return;
        expect(head.end).toBe(end);
        const sent = head.kept;
        expect(sent).toMatch(
          /^[!-~]+ [!-\xff]+ HTTP\/1\.1\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+$/,
        );
        expect(sent.match(/^host:/gim)).toHaveLength(1);
        const lengths = sent.match(/^content-length:.*$/gim) ?? [];
        const codings = sent.match(/^transfer-encoding:/gim) ?? [];
        expect(lengths.length + codings.length).toBeLessThanOrEqual(1);
        if (head.body === 'length') expect(Number(lengths[0]?.slice(15))).toBe(head.length);
        expect(sent).not.toMatch(/^(connection|x-forwarded-for|expect):/im);
      },
    ),
    { numRuns: 3000 },
  );
});

test('a damaged head of a response is refused or made of plain lines', () => {
  const head = new ResponseHead();
  const good =
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nConnection: close\r\nServer: x\r\n\r\n';
  fc.assert(
    fc.property(
      fc.nat(good.length - 5),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      (at, code, insert) => {
        const text = good.slice(0, at) + String.fromCharCode(code) + good.slice(insert ? at : at + 1);
        const problem = head.read(Buffer.from(text, 'latin1'), 0, text.length);
        // The same in the middle of other bytes, and found to be no whole head when some of it has not come.
        const { kept, end } = head;
        expect(head.read(Buffer.from(`..${text}more`, 'latin1'), 2, text.length + 6)).toBe(problem);
        expect([head.kept, head.end]).toEqual([kept, end === 0 ? 0 : end + 2]);
        head.read(Buffer.from(text, 'latin1'), 0, end - 1);
        expect(head.end).toBe(0);
        head.read(Buffer.from(text, 'latin1'), 0, text.length);
        if (problem !== null) return;
        expect(head.end).toBe(text.indexOf('\r\n\r\n') + 4);
        expect(head.kept).toMatch(
          /^HTTP\/1\.1 \d{3} [\t\x20-\x7e\x80-\xff]+\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/,
        );
        expect(head.kept).not.toMatch(/^(transfer-encoding|connection):/im);
        const lengths = head.kept.match(/^content-length:.*$/gim) ?? [];
        expect(lengths.map((line) => Number(line.slice(15)))).toEqual(
          head.kind === 'length' && head.status >= 200 && head.status !== 204 ? [head.length] : [],
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test('deadlines on the wheel: never early, never forgotten, moved and cleared', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 90_000 }), fc.nat(90_000)), {
        minLength: 1,
        maxLength: 30,
      }),
      (wishes) => {
        let now = 1000;
        let pending: (() => void) | null = null as (() => void) | null;
        const wheel = new TimerWheel(
          {
            now: () => 0,
            steady: () => now,
            random: () => 0,
            after(_ms, run) {
              pending = run;
              return () => undefined;
            },
          },
          100,
        );
        const fired = new Map<number, number>();
        const timers = wishes.map((_wish, index) => new WheelTimer(() => fired.set(index, now)));
        const due = wishes.map(([first, second], index) => {
          const timer = timers[index];
          if (timer === undefined) return 0;
          wheel.set(timer, first);
          // Every second one is moved, every third one switched off.
          if (index % 2 === 1) wheel.set(timer, second);
          if (index % 3 === 2) wheel.clear(timer);
          return index % 3 === 2 ? 0 : now + (index % 2 === 1 ? second : first);
        });
        for (let step = 0; pending !== null && step < 1000; step++) {
          const run = pending;
          pending = null;
          now += 100 + (step % 7);
          run();
        }
        expect(pending).toBeNull();
        for (const [index, at] of due.entries()) {
          if (at === 0) expect(fired.has(index)).toBe(false);
          else {
            expect(fired.get(index)).toBeGreaterThanOrEqual(at);
            expect(fired.get(index)).toBeLessThan(at + 320);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
