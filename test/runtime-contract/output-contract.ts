import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContractContext } from './suite.ts';
import {
  buildSlug,
  LIMIT,
  Output,
  outputOf,
  type SourceEntry,
  startDyno,
  type TestSlug,
  until,
} from './world.ts';

const LINES = 20_000;

const APP: readonly SourceEntry[] = [
  {
    name: 'lines.sh',
    content: `for ((i = 1; i <= ${String(LINES)}; i++)); do echo "out $i"; ((i % 2)) || echo "err $i" >&2; done\n`,
  },
];

/** Promises of `followOutput`. */
export function outputContract({ world, app }: ContractContext): void {
  let slug: TestSlug;
  const dynos: string[] = [];
  beforeAll(async () => {
    slug = await buildSlug(world().runtime, app(), APP);
  }, LIMIT);
  afterAll(async () => {
    for (const id of dynos) await world().runtime.removeDyno(id);
  }, LIMIT);

  const start = async (command: string): Promise<string> => {
    const { id } = await startDyno(world().runtime, { slug, command });
    dynos.push(id);
    return id;
  };

  test(
    'all bytes of both come, in the order of each',
    async () => {
      const output = await outputOf(world().runtime, { slug, command: 'bash lines.sh' });
      const numbers = Array.from({ length: LINES }, (_, index) => index + 1);
      expect(output.text('stdout') === numbers.map((i) => `out ${String(i)}\n`).join('')).toBe(true);
      expect(
        output.text('stderr') ===
          numbers
            .filter((i) => i % 2 === 0)
            .map((i) => `err ${String(i)}\n`)
            .join(''),
      ).toBe(true);
    },
    LIMIT,
  );

  test(
    'bytes are not changed: NUL, invalid UTF-8, no line end at the end',
    async () => {
      const output = await outputOf(world().runtime, {
        slug,
        command: `printf 'a\\0b\\377\\303'; printf 'x\\r' >&2`,
      });
      expect(Buffer.concat(output.stdout)).toEqual(Buffer.from([97, 0, 98, 0xff, 0xc3]));
      expect(Buffer.concat(output.stderr)).toEqual(Buffer.from('x\r'));
    },
    LIMIT,
  );

  test(
    'output comes while the dyno runs, with times in microseconds',
    async () => {
      const before = Date.now() * 1000;
      const id = await start('echo first; exec sleep 600');
      using output = new Output(world().runtime, id);
      await until('the first line', () => output.text() === 'first\n');
      const at = output.pieces[0]?.at ?? 0;
      expect(Number.isInteger(at)).toBe(true);
      expect(Math.abs(at - before)).toBeLessThan(LIMIT * 1000);
      await world().runtime.removeDyno(id);
    },
    LIMIT,
  );

  test(
    'a follower that comes after the end gets everything and the end',
    async () => {
      const id = await start('echo out; echo err >&2; exit 3');
      using first = new Output(world().runtime, id);
      await first.ended;
      using second = new Output(world().runtime, id);
      await second.ended;
      expect([second.text('stdout'), second.text('stderr')]).toEqual(['out\n', 'err\n']);
    },
    LIMIT,
  );

  test(
    'from every position on, the rest comes once and without loss',
    async () => {
      const id = await start('for i in 1 2 3 4 5 6; do echo "out $i"; echo "err $i" >&2; sleep 0.05; done');
      using all = new Output(world().runtime, id);
      await all.ended;
      for (const [index, { position }] of all.pieces.entries()) {
        using rest = new Output(world().runtime, id, position);
        await rest.ended;
        for (const stream of ['stdout', 'stderr'] as const) {
          const wanted = all.pieces.slice(index + 1).filter((piece) => piece.stream === stream);
          expect(rest.text(stream), `${stream} behind piece ${String(index)}`).toBe(
            Buffer.concat(wanted.map((piece) => piece.bytes)).toString(),
          );
        }
      }
    },
    LIMIT,
  );

  test(
    'a reader that stops and goes on later misses and repeats nothing',
    async () => {
      const id = await start(
        'for ((i = 1; i <= 400; i++)); do echo "line $i"; ((i % 20)) || sleep 0.02; done',
      );
      let text = '';
      let position: string | undefined;
      let ended = false;
      while (!ended) {
        using output = new Output(world().runtime, id, position);
        await Promise.race([
          output.ended.then(() => (ended = true)),
          until('more output', () => output.pieces.length > 0),
        ]);
        output[Symbol.dispose]();
        const pieces = [...output.pieces];
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(output.pieces.length, 'pieces after dispose').toBe(pieces.length);
        text += output.text();
        position = pieces.at(-1)?.position ?? position;
      }
      expect(text).toBe(Array.from({ length: 400 }, (_, i) => `line ${String(i + 1)}\n`).join(''));
    },
    LIMIT,
  );

  test(
    'two followers each get everything',
    async () => {
      const id = await start('for i in 1 2 3; do echo "$i"; sleep 0.05; done');
      using one = new Output(world().runtime, id);
      using two = new Output(world().runtime, id);
      await Promise.all([one.ended, two.ended]);
      expect([one.text(), two.text()]).toEqual(['1\n2\n3\n', '1\n2\n3\n']);
    },
    LIMIT,
  );

  test(
    'following a dyno that never was just ends',
    async () => {
      using output = new Output(world().runtime, 'dyno-that-never-was');
      await output.ended;
      expect(output.pieces).toEqual([]);
    },
    LIMIT,
  );
}
