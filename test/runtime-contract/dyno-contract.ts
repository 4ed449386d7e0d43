import type { DynoExit } from '#engine/runtime/runtime.ts';
import { findSize } from '#shared/model/size.ts';
import { expect, test } from 'vitest';
import { addressOf, read } from './reach.ts';
import { slugAndExits } from './set-up.ts';
import type { ContractContext } from './suite.ts';
import {
  buildSlug,
  type DynoOrder,
  freshId,
  LIMIT,
  Output,
  outputOf,
  type SourceEntry,
  startDyno,
  until,
} from './world.ts';

/** Listens on $PORT with nothing but what every Debian has, and answers with the dyno's name. */
const LISTEN = `use Socket;
$| = 1;
socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in($ENV{PORT}, INADDR_ANY)) or die "bind: $!";
listen($server, 16) or die "listen: $!";
print "listening\\n";
while (accept(my $client, $server)) { print $client "I am $ENV{DYNO}"; close $client; }
`;

/** What the dynos of these tests run. */
export const APP: readonly SourceEntry[] = [
  { name: 'listen.pl', content: LISTEN },
  { name: 'data.txt', content: 'original' },
  { name: 'run me.sh', content: '#!/usr/bin/env bash\necho "ran $0"\n', mode: 0o755 },
  { name: '.profile.d/b.sh', content: 'export ORDER="$ORDER b:$CONFIG"\n' },
  { name: '.profile.d/a.sh', content: 'export ORDER="a:$CONFIG"\n' },
  { name: '.profile.d/not-a-script.txt', content: 'export ORDER=wrong\n' },
  { name: '.profile', content: 'export ORDER="$ORDER profile"; CONFIG="from .profile"\n' },
  {
    name: 'tree.sh',
    content: `trap 'echo "parent told"' TERM\nbash child.sh & child=$!\nwait; wait "$child"\necho "parent ends"\nexit 9\n`,
  },
  {
    name: 'child.sh',
    content: `trap 'echo "child told"; exit 0' TERM\necho "child ready"\nwhile :; do sleep 0.1; done\n`,
  },
];

/** Promises about starting, reaching, signalling and ending dynos. */
export function dynoContract(context: ContractContext): void {
  const { world, app } = context;
  const { slug, exits } = slugAndExits(context, APP);

  const exitOf = async (id: string): Promise<DynoExit> => {
    await until(`the end of ${id}`, () => exits.some((exit) => exit.id === id));
    return exits.find((exit) => exit.id === id) as DynoExit;
  };
  const started = async (order: Omit<DynoOrder, 'slug'>) => {
    const { runtime } = world();
    const dyno = await startDyno(runtime, { slug: slug(), ...order });
    const output = new Output(runtime, dyno.id);
    const dispose = async (): Promise<void> => {
      await runtime.removeDyno(dyno.id);
      output[Symbol.dispose]();
    };
    return { dyno, output, runtime, [Symbol.asyncDispose]: dispose };
  };

  test(
    'a dyno has PORT, DYNO, HOME as its working folder, the config vars, and no variable of the engine',
    async () => {
      process.env.SLIPWAY_CONTRACT_SECRET = 'of the engine';
      const output = await outputOf(world().runtime, {
        slug: slug(),
        name: 'worker.2',
        env: { CONFIG: 'one\n"two" $HOME', EMPTY: '' },
        command: [
          'echo "$DYNO|$EMPTY|${SLIPWAY_CONTRACT_SECRET-none}"',
          '[ "$PORT" -gt 0 ] && [ "$PWD" -ef "$HOME" ] && cat data.txt',
        ].join('; '),
      });
      expect(output.text()).toBe('worker.2||none\noriginal');
      expect(output.text('stderr')).toBe('');
    },
    LIMIT,
  );

  test(
    'each size tells its memory and prints its processes as ulimit -u, to profile scripts, the command and scripts in bash',
    async () => {
      const { runtime } = world();
      const sized = await buildSlug(runtime, app(), [
        { name: '.profile.d/size.sh', content: 'export SEEN=$(ulimit -u)\n' },
        {
          name: 'script.sh',
          content: '#!/usr/bin/env bash\nulimit -u\nulimit -Su 64\nulimit -u\n',
          mode: 0o755,
        },
      ]);
      for (const [size, processes] of [
        ['Eco', 256],
        ['Standard-2X', 512],
        ['Performance-M', 16_384],
        ['Performance-L', 32_768],
      ] as const) {
        const command = 'echo "$SEEN $MEMORY_AVAILABLE"; ulimit -u; ./script.sh';
        const text = (await outputOf(runtime, { slug: sized, size, command })).text();
        const memory = Math.min(findSize(size)?.memoryMiB ?? 0, Math.floor(runtime.info().machine.memoryMiB));
        const figure = String(processes);
        expect(text.split('\n')).toEqual([`${figure} ${String(memory)}`, figure, figure, '64', '']);
      }
      const own = { MEMORY_AVAILABLE: '100' };
      const told = await outputOf(runtime, { slug: sized, env: own, command: 'echo "$MEMORY_AVAILABLE"' });
      expect(told.text()).toBe('100\n');
    },
    LIMIT,
  );

  test(
    '.profile.d scripts see config vars and are sourced before .profile',
    async () => {
      const output = await outputOf(world().runtime, {
        slug: slug(),
        env: { CONFIG: 'c' },
        command: 'echo "$ORDER"; echo "$CONFIG"',
      });
      expect(output.text()).toBe('a:c b:c profile\nfrom .profile\n');
    },
    LIMIT,
  );

  test(
    'the command is bash: quotes, pipes, variables, file names with spaces',
    async () => {
      const output = await outputOf(world().runtime, {
        slug: slug(),
        command: `"./run me.sh" | tr a-z A-Z; [[ $DYNO == web.* ]] && echo 'is "web"'`,
      });
      expect(output.text()).toBe('RAN ./RUN ME.SH\nis "web"\n');
    },
    LIMIT,
  );

  test(
    'a dyno cannot read input and is not held up by it',
    async () => {
      const output = await outputOf(world().runtime, {
        slug: slug(),
        command: 'read -r line || echo "no input"',
      });
      expect(output.text()).toBe('no input\n');
    },
    LIMIT,
  );

  test(
    'what startDyno answers describes the dyno, and so does listDynos',
    async () => {
      await using run = await started({ command: 'exec sleep 600', name: 'worker.4' });
      const { dyno, runtime } = run;
      expect(dyno).toMatchObject({
        appId: slug().appId,
        name: 'worker.4',
        type: 'worker',
        release: 3,
        exit: null,
      });
      expect(dyno).toMatchObject({ size: 'Standard-1X', command: 'exec sleep 600' });
      expect(Math.abs(dyno.startedAt - Date.now())).toBeLessThan(LIMIT);
      const listed = (await runtime.listDynos()).find((each) => each.id === dyno.id);
      expect(listed).toEqual({ ...dyno, startedAt: listed?.startedAt });
    },
    LIMIT,
  );

  test(
    'files of a dyno are its own, and gone with it',
    async () => {
      const command =
        'cat data.txt; echo "changed by $DYNO" > data.txt; echo x > new.txt; cat data.txt; ls new.txt';
      for (const name of ['web.1', 'web.2', 'web.1']) {
        const output = await outputOf(world().runtime, { slug: slug(), command, name });
        expect(output.text()).toBe(`originalchanged by ${name}\nnew.txt\n`);
      }
    },
    LIMIT,
  );

  test(
    'isListening: false while nothing listens, true once something does, false after the end',
    async () => {
      await using silent = await started({ command: 'exec sleep 600' });
      expect(await silent.runtime.isListening(silent.dyno)).toBe(false);
      await using web = await started({ command: 'exec perl listen.pl', name: 'web.3' });
      await until('the dyno to listen', () => web.runtime.isListening(web.dyno));
      expect(await read(addressOf(web.dyno.address))).toBe('I am web.3');
      await web.runtime.signalDyno(web.dyno.id, 'SIGKILL');
      await exitOf(web.dyno.id);
      expect(await web.runtime.isListening(web.dyno)).toBe(false);
    },
    LIMIT,
  );

  test(
    'memoryOf: memory of the dynos that run, without the cache of files, and of no others',
    async () => {
      const hold = `exec perl -e 'my $held = "x" x (96 << 20); $| = 1; print "ready\\n"; sleep 600'`;
      const cache = `head -c ${String(200 << 20)} /dev/zero > file; echo ready; exec sleep 600`;
      await using large = await started({ command: hold, name: 'worker.1' });
      await using small = await started({ command: cache, name: 'worker.2' });
      await using ended = await started({ command: 'exit 0', name: 'worker.3' });
      await until('both to be ready', () => large.output.text() + small.output.text() === 'ready\nready\n');
      await exitOf(ended.dyno.id);
      const memory = await large.runtime.memoryOf();
      const [of = 0, ofSmall = 0] = [large, small].map((run) => (memory.get(run.dyno.id) ?? 0) / 2 ** 20);
      expect(of).toBeGreaterThan(90);
      expect(of).toBeLessThan(300);
      expect(ofSmall).toBeGreaterThan(0.1);
      expect(ofSmall).toBeLessThan(64);
      expect(memory.has(ended.dyno.id)).toBe(false);
      const later = await world().reopen();
      expect([...(await later.memoryOf()).keys()].sort()).toEqual([...memory.keys()].sort());
      await later.close();
    },
    LIMIT,
  );

  test(
    'dynos that start at the same time each have an address of their own',
    async () => {
      const names = ['web.1', 'web.2', 'web.3', 'web.4'];
      const runs = await Promise.all(names.map((name) => started({ command: 'exec perl listen.pl', name })));
      try {
        for (const [index, run] of runs.entries()) {
          await until(`${run.dyno.name} to listen`, () => run.runtime.isListening(run.dyno));
          expect(await read(addressOf(run.dyno.address))).toBe(`I am ${names[index] ?? ''}`);
        }
      } finally {
        await Promise.all(runs.map((run) => run[Symbol.asyncDispose]()));
      }
    },
    LIMIT,
  );

  test(
    'onExit tells exit codes, and 128 + n for signals',
    async () => {
      for (const [command, code] of [
        ['exit 7', 7],
        ['true', 0],
        ['kill -KILL $$', 137],
        ['no-such-command', 127],
      ] as const) {
        await using run = await started({ command });
        const exit = await exitOf(run.dyno.id);
        expect([command, exit.code, exit.outOfMemory]).toEqual([command, code, false]);
        const listed = (await run.runtime.listDynos()).find((each) => each.id === run.dyno.id);
        expect(listed?.exit?.code).toBe(code);
        expect(listed?.address).toBeNull();
      }
    },
    LIMIT,
  );

  test(
    'SIGTERM reaches all processes of the dyno',
    async () => {
      await using run = await started({ command: 'bash tree.sh' });
      await until('the child', () => run.output.text().includes('child ready'));
      await run.runtime.signalDyno(run.dyno.id, 'SIGTERM');
      expect((await exitOf(run.dyno.id)).code).not.toBe(137);
      await run.output.ended;
      for (const line of ['child told', 'parent told']) expect(run.output.text()).toContain(line);
    },
    LIMIT,
  );

  test(
    'a dyno that does nothing about SIGTERM ends with 143',
    async () => {
      await using run = await started({ command: 'echo ready; sleep 600' });
      await until('the command', () => run.output.text().includes('ready'));
      await run.runtime.signalDyno(run.dyno.id, 'SIGTERM');
      expect((await exitOf(run.dyno.id)).code).toBe(143);
    },
    LIMIT,
  );

  test(
    'SIGKILL ends a dyno that ignores SIGTERM, with 137',
    async () => {
      await using run = await started({
        command: `trap 'echo ignored' TERM; echo ready; while :; do sleep 0.1; done`,
      });
      await until('the trap', () => run.output.text().includes('ready'));
      await run.runtime.signalDyno(run.dyno.id, 'SIGTERM');
      await until('the first signal', () => run.output.text().includes('ignored'));
      await run.runtime.signalDyno(run.dyno.id, 'SIGKILL');
      expect((await exitOf(run.dyno.id)).code).toBe(137);
    },
    LIMIT,
  );

  test(
    'signals to a dyno that ended or never was, and removing it again, succeed',
    async () => {
      await using run = await started({ command: 'true' });
      await exitOf(run.dyno.id);
      await run.runtime.signalDyno(run.dyno.id, 'SIGTERM');
      await run.runtime.removeDyno(run.dyno.id);
      await run.runtime.removeDyno(run.dyno.id);
      await run.runtime.signalDyno(run.dyno.id, 'SIGKILL');
      await run.runtime.removeDyno(freshId('never'));
      expect((await run.runtime.listDynos()).map((each) => each.id)).not.toContain(run.dyno.id);
    },
    LIMIT,
  );

  test(
    'removeDyno ends a running dyno, tells of it and ends its output',
    async () => {
      await using run = await started({ command: 'echo up; exec sleep 600' });
      await until('its line', () => run.output.text() === 'up\n');
      await run.runtime.removeDyno(run.dyno.id);
      await run.output.ended;
      await exitOf(run.dyno.id);
      expect((await run.runtime.listDynos()).map((each) => each.id)).not.toContain(run.dyno.id);
    },
    LIMIT,
  );
}
