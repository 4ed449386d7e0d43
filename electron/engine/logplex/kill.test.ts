import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '#shared/model/log.ts';
import { DynoLogs } from './dyno-logs.ts';
import type { Logplex } from './logplex.ts';
import { brief, entry, startLogplex, take, temporaryFolder } from './testing.ts';
import { numbered, numberedOutput } from './testing-output.ts';

const CHILD = join(import.meta.dirname, 'testing-child.ts');

interface Acknowledged {
  seq: number;
  number: number;
  problem: boolean;
}

/** Runs the child until `enough`, kills it with SIGKILL, and gives what it had acknowledged last. */
async function runAndKill(command: string[], enough: (seen: Acknowledged) => boolean): Promise<Acknowledged> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const seen = { seq: 0, number: 0, problem: false };
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'problem') seen.problem = true;
    else [seen.seq = 0, seen.number = 0] = line.split(' ').map(Number);
    if (enough(seen)) child.kill('SIGKILL');
  }
  await closed;
  expect(child.signalCode).toBe('SIGKILL');
  return seen;
}

const linesOf = (logplex: Logplex): LogLine[] =>
  logplex.recent('app', {}, 1_000_000).flatMap((record) => (record.kind === 'line' ? [record] : []));

describe('kill -9', () => {
  it('keeps all that was seen, and resumes with neither loss nor repeat', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    let last = 0;
    for (let round = 0; round < 6; round += 1) {
      const until = last + 500 + round * 777;
      const seen = await runAndKill([process.execPath, CHILD, folder], ({ seq }) => seq >= until);
      expect(seen.problem).toBe(false);
      const { logplex } = await startLogplex(folder);
      const lines = linesOf(logplex);
      last = lines.at(-1)?.seq ?? 0;
      expect(last).toBeGreaterThanOrEqual(seen.seq);
      expect(
        lines.findIndex((line, index) => line.seq !== index + 1 || line.text !== numbered(index + 1)),
      ).toBe(-1);
      await logplex.close();
    }
  });
});

describe.skipIf(process.platform === 'win32')('a disk that takes no more', () => {
  it('serves on from memory, tells once, uses no number twice, and loses no output after kill -9', {
    timeout: 60_000,
  }, async () => {
    const folder = temporaryFolder();
    const limited = `trap '' XFSZ; ulimit -f 32; exec "$0" "$@"`;
    let problems = 0;
    const seen = await runAndKill(
      ['bash', '-c', limited, process.execPath, CHILD, folder],
      ({ problem, seq }) => {
        if (problem) problems += 1;
        return problem && seq > 5_000;
      },
    );
    expect(problems).toBeGreaterThan(0);
    const { logplex, clock } = await startLogplex(folder);
    const stored = linesOf(logplex).length;
    expect(stored).toBeLessThan(seen.seq);
    const { sink, after = '0' } = new DynoLogs(logplex, clock).openOutput('app', 'dyno', 'web.1');
    sink.onBytes('stdout', numberedOutput(Number(after), 100_000), 1, 'behind');
    clock.advance(10);
    const lines = linesOf(logplex);
    expect(lines.slice(0, stored + 9).findIndex((line, index) => line.text !== numbered(index + 1))).toBe(-1);
    const seq = lines[stored]?.seq ?? 0;
    expect(seq).toBeGreaterThan(seen.seq);
    const resumed = logplex.open(
      'app',
      { filter: {}, lines: 0, after: stored },
      new AbortController().signal,
    );
    expect(await take(resumed[Symbol.asyncIterator](), 1)).toEqual([
      { kind: 'gap', reason: 'dropped', count: seq - stored - 1 },
    ]);
  });

  it('stores again once there is room, what came before included', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'app'), 'in the way');
    const { logplex, clock, problems } = await startLogplex(folder);
    const reader = logplex
      .open('app', { filter: {}, lines: 0 }, new AbortController().signal)
      [Symbol.asyncIterator]();
    problems.length = 0;
    for (const text of ['one', 'two']) {
      logplex.append('app', [entry(text)], { dynoId: 'dyno', position: text });
      clock.advance(10);
    }
    expect(problems).toEqual([expect.stringMatching(/cannot be stored .* Make room/)]);
    expect(brief(await take(reader, 2))).toEqual(['1:one', '2:two']);
    expect(brief(logplex.recent('app', {}, 5))).toEqual(['1:one', '2:two']);
    rmSync(join(folder, 'app'));
    clock.advance(1_000);
    logplex.append('app', [entry('three')]);
    clock.advance(10);
    const beside = await startLogplex(folder);
    expect(brief(beside.logplex.recent('app', {}, 5))).toEqual(['1:one', '2:two', '3:three']);
    expect(beside.logplex.cursors('app').get('dyno')).toBe('two');
    expect(problems).toHaveLength(1);
  });

  it('shows where lines are missing that were too many to wait in memory', async () => {
    const folder = temporaryFolder();
    const { logplex, clock } = await startLogplex(folder, { ringLines: 3, segmentBytes: 1 });
    logplex.append('app', [entry('one')]);
    clock.advance(10);
    renameSync(join(folder, 'app'), join(folder, 'aside'));
    writeFileSync(join(folder, 'app'), 'in the way');
    for (let count = 2; count <= 9; count += 1) {
      logplex.append('app', [entry(`line ${count}`)]);
      clock.advance(10);
    }
    rmSync(join(folder, 'app'));
    renameSync(join(folder, 'aside'), join(folder, 'app'));
    await logplex.close();
    const after = await startLogplex(folder);
    expect(brief(after.logplex.recent('app', {}, 9))).toEqual([
      '1:one',
      'gap dropped 5',
      '7:line 7',
      '8:line 8',
      '9:line 9',
    ]);
    const resumed = after.logplex.open(
      'app',
      { filter: {}, lines: 0, after: 3 },
      new AbortController().signal,
    );
    expect(brief(await take(resumed[Symbol.asyncIterator](), 2))).toEqual(['gap dropped 3', '7:line 7']);
  });
});
