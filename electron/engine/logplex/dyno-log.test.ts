import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEntry, LogStream } from '#shared/model/log.ts';
import { DynoLog } from './dyno-log.ts';
import { LineSplitter } from './line-splitter.ts';
import type { DynoCursor } from './logplex.ts';
import { FakeClock } from './testing.ts';

/** What logplex has on disk: lines and cursors, together. */
class Disk {
  readonly lines: LogEntry[] = [];
  private readonly kept = new Map<string, string>();

  append(_appId: string, entries: readonly LogEntry[], cursor?: DynoCursor): void {
    this.lines.push(...entries);
    if (cursor !== undefined) this.kept.set(cursor.dynoId, cursor.position);
  }

  cursors(): ReadonlyMap<string, string> {
    return this.kept;
  }

  texts(stream: LogStream): string[] {
    return this.lines.filter((line) => line.stream === stream).map((line) => line.text);
  }
}

type Output = Readonly<Record<LogStream, Buffer>>;

/** A runtime that keeps a dyno's two outputs, follows them in chunks of any size and order, and is killed along the way. */
class Follower {
  private readonly output: Output;
  private readonly sizes: () => { stream: LogStream; size: number };

  constructor(output: Output, sizes: () => { stream: LogStream; size: number }) {
    this.output = output;
    this.sizes = sizes;
  }

  /** Follows for so many chunks. @returns whether the end was reached */
  follow(log: DynoLog, chunks: number): boolean {
    const at = { stdout: 0, stderr: 0 };
    if (log.after !== undefined) [at.stdout = 0, at.stderr = 0] = log.after.split('+').map(Number);
    for (let count = 0; count < chunks; count += 1) {
      if (at.stdout === this.output.stdout.length && at.stderr === this.output.stderr.length) {
        log.onEnd();
        return true;
      }
      const { stream: wanted, size } = this.sizes();
      const stream =
        at[wanted] < this.output[wanted].length ? wanted : wanted === 'stdout' ? 'stderr' : 'stdout';
      const bytes = this.output[stream].subarray(at[stream], at[stream] + size);
      at[stream] += bytes.length;
      log.onBytes(stream, bytes, 1, `${at.stdout}+${at.stderr}`);
    }
    return false;
  }
}

function linesOf(bytes: Buffer): string[] {
  const splitter = new LineSplitter();
  return [...splitter.push(bytes, 1), ...splitter.end()].map((line) => line.text);
}

const piece = fc.oneof(
  fc.constantFrom('\n', '\r\n', '\r', '', 'line', 'line\n', 'ü€😀', '\n\n').map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 25_000 }).map((length) => Buffer.alloc(length, 'é')),
);
const bytes = fc.array(piece, { maxLength: 25 }).map((pieces) => Buffer.concat(pieces));
const chunkSize = fc.record({
  stream: fc.constantFrom<LogStream>('stdout', 'stderr'),
  size: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 20_000 })),
});

const options = { appId: 'app', dynoId: 'dyno', ps: 'web.1' };

/** Follows with kills after the given numbers of chunks, then to the end. */
function followWithKills(
  output: Output,
  sizes: readonly { stream: LogStream; size: number }[],
  kills: readonly number[],
  clock: FakeClock,
  wait: number,
): Disk {
  const disk = new Disk();
  let next = 0;
  const follower = new Follower(output, () => {
    clock.advance(wait);
    next += 1;
    return sizes[next % sizes.length] ?? { stream: 'stdout', size: 1 };
  });
  for (const chunks of kills) {
    const log = new DynoLog({ ...options, logplex: disk, clock });
    follower.follow(log, chunks);
    if (chunks % 2 === 0) clock.advance(wait);
    log.close();
  }
  follower.follow(new DynoLog({ ...options, logplex: disk, clock }), Number.POSITIVE_INFINITY);
  return disk;
}

describe('DynoLog', () => {
  it('loses and repeats no line over any chunks and kills', () => {
    const sizes = fc.array(chunkSize, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        bytes,
        bytes,
        sizes,
        fc.array(fc.nat(40), { maxLength: 6 }),
        (stdout, stderr, chunks, kills) => {
          const disk = followWithKills({ stdout, stderr }, chunks, kills, new FakeClock(), 0);
          expect(disk.texts('stdout')).toEqual(linesOf(stdout));
          expect(disk.texts('stderr')).toEqual(linesOf(stderr));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('loses and repeats no text when lines without an end are stored after a while', () => {
    const plain = fc
      .array(fc.constantFrom('\n', 'a', 'bc', '€', '\n\n', '? '), { maxLength: 40 })
      .map((parts) => parts.join(''));
    const sizes = fc.array(chunkSize, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(plain, plain, sizes, fc.array(fc.nat(20), { maxLength: 6 }), (out, err, chunks, kills) => {
        const output = { stdout: Buffer.from(out), stderr: Buffer.from(err) };
        const disk = followWithKills(output, chunks, kills, new FakeClock(), 1_001);
        expect(disk.texts('stdout').join('')).toBe(out.replaceAll('\n', ''));
        expect(disk.texts('stderr').join('')).toBe(err.replaceAll('\n', ''));
        const empty = (text: string): number =>
          text
            .split('\n')
            .slice(0, -1)
            .filter((line) => line === '').length;
        expect(disk.texts('stdout').filter((line) => line === '')).toHaveLength(empty(out));
      }),
      { numRuns: 300 },
    );
  });

  it('lets the cursor follow although no chunk ends at a line end', () => {
    const disk = new Disk();
    const log = new DynoLog({ ...options, logplex: disk, clock: new FakeClock() });
    for (let count = 1; count <= 1_000; count += 1)
      log.onBytes('stdout', Buffer.from('d\nabc'), 1, String(count));
    expect(Number(new DynoLog({ ...options, logplex: disk, clock: new FakeClock() }).after)).toBeGreaterThan(
      995,
    );
  });

  it('stores a prompt after a second without more, and then has no timer', () => {
    const disk = new Disk();
    const clock = new FakeClock();
    const log = new DynoLog({ ...options, logplex: disk, clock });
    log.onBytes('stdout', Buffer.from('Name'), 1, '1');
    clock.advance(900);
    log.onBytes('stdout', Buffer.from('? '), 1, '2');
    log.onBytes('stderr', Buffer.from('busy\n'), 1, '3');
    clock.advance(900);
    expect(disk.texts('stdout')).toEqual([]);
    clock.advance(100);
    expect(disk.texts('stdout')).toEqual(['Name? ']);
    expect(clock.waiting).toBe(0);
    expect(new DynoLog({ ...options, logplex: disk, clock }).after).toBe('3');
  });

  it('takes nothing after its close, and has no timer', () => {
    const disk = new Disk();
    const clock = new FakeClock();
    const log = new DynoLog({ ...options, logplex: disk, clock });
    log.onBytes('stdout', Buffer.from('half'), 1, '1');
    log.close();
    log.onBytes('stdout', Buffer.from('\n'), 1, '2');
    log.onEnd();
    clock.advance(5_000);
    expect(disk.lines).toEqual([]);
    expect(clock.waiting).toBe(0);
  });
});
