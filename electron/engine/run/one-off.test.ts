import { setImmediate as turn } from 'node:timers/promises';
import type { RunEvent } from '#shared/model/run.ts';
import { expect, test } from 'vitest';
import type { RunTerminal } from '../runtime/run-terminal.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import { Handoff } from './handoff.ts';
import { OneOff } from './one-off.ts';

const TIMERS = { life: 86_400_000, hangUp: 5_000, hangUps: 3, exit: 30_000, idle: 3_600_000 };

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

function world(failure: RuntimeError | null = null, ownDyno = true) {
  const terminal = new FakeTerminal();
  const lines: string[] = [];
  const problems: unknown[] = [];
  const alarms = new Map<number, () => void>();
  const dues = new Map<() => void, number>();
  let steady = 0;
  const clock = {
    now: () => 0,
    steady: () => steady,
    random: () => 0,
    after: (ms: number, run: () => void) => {
      const alarm = (): void => {
        dues.delete(alarm);
        run();
      };
      alarms.set(ms, alarm);
      dues.set(alarm, steady + ms);
      return () => {
        dues.delete(alarm);
        if (alarms.get(ms) === alarm) alarms.delete(ms);
      };
    },
  };
  const states: string[] = [];
  const run = new OneOff(
    {
      ...{ clock, timers: TIMERS },
      log: (_app, ps, text) => lines.push(`${ps}: ${text}`),
      onChange: () => states.push(run.state),
      onProblem: (_what, error) => problems.push(error),
    },
    {
      ...{ id: 'id', appId: 'a', name: 'run.4711', release: 3, size: 'Standard-1X', command: 'rake $PORT' },
      ...{ life: TIMERS.life, note: null, ownDyno },
      open: () => (failure === null ? Promise.resolve(terminal) : Promise.reject(failure)),
    },
  );
  /** Lets time pass, and what is due happen. */
  const passes = (ms: number): void => {
    steady += ms;
    for (const alarm of [...dues.keys()]) if ((dues.get(alarm) ?? Infinity) <= steady) alarm();
  };
  const abort = new AbortController();
  const events: RunEvent[] = [];
  const client = (async () => {
    for await (const event of run.events(abort.signal)) events.push(event);
  })();
  client.catch(() => undefined);
  return { terminal, lines, problems, alarms, run, abort, events, client, states, passes };
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

test('it gets SIGHUP three times when its client leaves, and SIGKILL when it stays; output is dropped meanwhile', async () => {
  const { terminal, run, abort, client, lines, alarms, states } = world();
  await terminal.screen.give(Buffer.from('x'));
  abort.abort();
  await client;
  for (let count = 0; count < 100; count += 1) await terminal.screen.give(Buffer.from('unread'));
  expect([terminal.signals, terminal.closed]).toEqual([['SIGHUP'], false]);
  for (const signals of [2, 3]) {
    alarms.get(TIMERS.hangUp)?.();
    expect(terminal.signals).toEqual(Array.from({ length: signals }, () => 'SIGHUP'));
    expect(lines).toHaveLength(3);
  }
  alarms.get(TIMERS.hangUp)?.();
  await run.finished;
  expect([terminal.signals.slice(3), terminal.closed]).toEqual([['SIGKILL'], true]);
  expect(states).toEqual(['up', 'stopping']);
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

test('a terminal that shows and gets nothing for an hour is taken as left; what is shown or typed begins the hour anew', async () => {
  const { terminal, run, client, events, lines, passes } = world();
  await terminal.screen.give(Buffer.from('x'));
  passes(3_000_000);
  await run.write('y');
  passes(600_000);
  await turn();
  expect(terminal.signals).toEqual([]);
  passes(2_999_999);
  await turn();
  expect(terminal.signals).toEqual([]);
  passes(1);
  await turn();
  expect(terminal.signals).toEqual(['SIGHUP']);
  terminal.end(129);
  await client;
  expect(events.at(-1)).toEqual({ kind: 'exit', code: 129 });
  expect(lines[2]).toBe('run.4711: Client connection closed. Sending SIGHUP to all processes');
});

test('one that somebody stops gets SIGTERM, then R12 and SIGKILL', async () => {
  const { terminal, run, client, events, lines, alarms } = world();
  await terminal.screen.give(Buffer.from('x'));
  run.stop();
  run.stop();
  await turn();
  expect([run.state, terminal.signals]).toEqual(['stopping', ['SIGTERM']]);
  alarms.get(TIMERS.exit)?.();
  await client;
  expect(events.at(-1)).toEqual({ kind: 'exit', code: 137 });
  expect(lines.slice(2, 5)).toEqual([
    'run.4711: Stopping all processes with SIGTERM',
    'run.4711: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM',
    'run.4711: Stopping remaining processes with SIGKILL',
  ]);
});

test('a command inside a dyno ends in the same way, and the log of the dyno says nothing of it', async () => {
  const { terminal, abort, run, client, lines, events } = world(null, false);
  await terminal.screen.give(Buffer.from('x'));
  abort.abort();
  await client;
  await turn();
  expect(terminal.signals).toEqual(['SIGHUP']);
  terminal.end(129);
  await run.finished;
  expect([events[0], lines]).toEqual([started, []]);
});
