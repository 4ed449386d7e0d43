import { setImmediate as turn } from 'node:timers/promises';
import { findSize } from '#shared/model/size.ts';
import type { RunEvent } from '#shared/model/run.ts';
import { expect, test } from 'vitest';
import type { RunSpec, RunTerminal } from '../runtime/run-terminal.ts';
import { type Runtime, RuntimeError } from '../runtime/runtime.ts';
import { Handoff } from './handoff.ts';
import { OneOff } from './one-off.ts';

const TIMERS = { life: 1_000_000, hangUp: 10_000, exit: 30_000 };

/** A terminal whose command does what the test says. */
class FakeTerminal implements RunTerminal {
  readonly port = 5_000;
  readonly screen = new Handoff<Buffer>();
  readonly output: AsyncIterable<Buffer> = this.read();
  readonly exit = Promise.withResolvers<number>();
  readonly exited = this.exit.promise;
  readonly signals: string[] = [];
  typed = '';
  size = '';
  closed = false;

  async write(text: string): Promise<void> {
    this.typed += text;
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.size = `${columns}x${rows}`;
  }

  async kill(signal: string): Promise<void> {
    this.signals.push(signal);
    if (signal === 'SIGKILL') this.end(137);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.end(137);
  }

  end(code: number): void {
    this.exit.resolve(code);
    this.screen.close();
  }

  private async *read(): AsyncIterable<Buffer> {
    for (let item = await this.screen.take(); item !== null; item = await this.screen.take()) yield item;
  }
}

function world(failure: RuntimeError | null = null) {
  const terminal = new FakeTerminal();
  const lines: string[] = [];
  const problems: unknown[] = [];
  const alarms = new Map<number, () => void>();
  const runtime = {
    stage: () => (failure === null ? Promise.resolve() : Promise.reject(failure)),
    openRun: () => Promise.resolve(terminal),
    info: () => ({ machine: { memoryMiB: 16_384, cpus: 4 } }),
  } as unknown as Runtime;
  const clock = {
    now: () => 0,
    steady: () => 0,
    random: () => 0,
    after: (ms: number, run: () => void) => {
      alarms.set(ms, run);
      return () => alarms.delete(ms);
    },
  };
  const spec = {
    ...{ id: 'id', appId: 'a', name: 'run.4711', release: 3, command: 'rake $PORT' },
    ...{ size: findSize('Standard-1X'), slug: { verify: () => Promise.resolve() } },
  } as unknown as RunSpec;
  const run = new OneOff(
    {
      ...{ runtime, clock, timers: TIMERS },
      log: (_app, ps, text) => lines.push(`${ps}: ${text}`),
      onProblem: (_what, error) => problems.push(error),
    },
    spec,
  );
  const abort = new AbortController();
  const events: RunEvent[] = [];
  const client = (async () => {
    for await (const event of run.events(abort.signal)) events.push(event);
  })();
  client.catch(() => undefined);
  return { terminal, lines, problems, alarms, run, abort, events, client };
}

const STARTED = [
  'run.4711: Starting process with command `rake 5000`',
  'run.4711: State changed from starting to up',
];
const started: RunEvent = { kind: 'started', run: 'id', dyno: 'run.4711', release: 3 };

test('its client gets start, output with whole characters, and exit; the log gets the platform lines', async () => {
  const { terminal, run, client, events, lines, alarms, problems } = world();
  const bytes = Buffer.from('größe \u{1F680}\ufeff');
  for (const byte of bytes) await terminal.screen.give(Buffer.of(byte));
  await terminal.screen.give(Buffer.of(0xf0, 0x9f));
  await run.write('ls\r');
  await run.resize(120, 40);
  terminal.end(3);
  await client;
  const text = events.flatMap((event) => (event.kind === 'output' ? [event.text] : []));
  expect(text).toEqual([...'größe \u{1F680}\ufeff', '\ufffd']);
  expect([events[0], events.at(-1)]).toEqual([started, { kind: 'exit', code: 3 }]);
  expect([terminal.typed, terminal.size, terminal.closed]).toEqual(['ls\r', '120x40', true]);
  expect(lines).toEqual([
    ...STARTED,
    'run.4711: Process exited with status 3',
    'run.4711: State changed from up to complete',
  ]);
  expect([alarms.size, terminal.signals, problems]).toEqual([0, [], []]);
});

test('it gets SIGHUP when its client leaves, and SIGKILL when it stays; output is dropped meanwhile', async () => {
  const { terminal, run, abort, client, lines, alarms } = world();
  await terminal.screen.give(Buffer.from('x'));
  abort.abort();
  await client;
  for (let count = 0; count < 100; count += 1) await terminal.screen.give(Buffer.from('unread'));
  expect([terminal.signals, terminal.closed]).toEqual([['SIGHUP'], false]);
  alarms.get(TIMERS.hangUp)?.();
  await run.finished;
  expect([terminal.signals, terminal.closed]).toEqual([['SIGHUP', 'SIGKILL'], true]);
  expect(lines.slice(2)).toEqual([
    'run.4711: Client connection closed. Sending SIGHUP to all processes',
    'run.4711: Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed.',
    'run.4711: Stopping remaining processes with SIGKILL',
    'run.4711: Process exited with status 137',
    'run.4711: State changed from up to complete',
  ]);
});

test('at the end of its life it gets SIGTERM; its client sees the end', async () => {
  const { terminal, client, events, lines, alarms } = world();
  await terminal.screen.give(Buffer.from('x'));
  alarms.get(TIMERS.life)?.();
  await turn();
  expect(terminal.signals).toEqual(['SIGTERM']);
  await terminal.screen.give(Buffer.from('bye'));
  terminal.end(0);
  await client;
  expect(events.slice(2)).toEqual([
    { kind: 'output', text: 'bye' },
    { kind: 'exit', code: 0 },
  ]);
  expect(lines.slice(2, 4)).toEqual(['run.4711: Cycling', 'run.4711: Stopping all processes with SIGTERM']);
});

test('with its app it goes at once and logs nothing more', async () => {
  const { terminal, run, client, events, lines, problems } = world();
  await terminal.screen.give(Buffer.from('x'));
  run.abandon();
  await run.finished;
  await client;
  expect([terminal.closed, terminal.signals, lines, problems]).toEqual([true, [], STARTED, []]);
  expect(events.at(-1)).toEqual({ kind: 'exit', code: 137 });
});

test('one that cannot be started says why, to its client and in the log', async () => {
  const { run, client, lines, problems } = world(new RuntimeError('disk_full', 'The disk is full.'));
  await expect(client).rejects.toThrow('The disk is full.');
  await run.finished;
  expect(lines).toEqual([
    'run.4711: Error R99 (Platform error) -> The dyno could not be started: The disk is full.',
  ]);
  expect(problems).toEqual([]);
});

test('a client that leaves before it has started leaves nothing behind', async () => {
  const { terminal, run, abort, client, lines } = world();
  abort.abort();
  await client;
  await turn();
  terminal.end(129);
  await run.finished;
  expect(terminal.closed).toBe(true);
  expect(lines.at(-1)).toBe('run.4711: State changed from up to complete');
});
