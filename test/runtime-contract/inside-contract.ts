import { setTimeout as sleep } from 'node:timers/promises';
import type { RunTerminal } from '#engine/runtime/run-terminal.ts';
import { findSize } from '#shared/model/size.ts';
import { expect, test } from 'vitest';
import { APP } from './dyno-contract.ts';
import { Screen } from './screen.ts';
import { stagedSlug } from './set-up.ts';
import type { ContractContext } from './suite.ts';
import { freshId, LIMIT, Output, startDyno, until } from './world.ts';

/** Promises about commands inside dynos that run. */
export function insideContract(context: ContractContext): void {
  const { world } = context;
  const slug = stagedSlug(context, APP);

  const size = findSize('Standard-1X');
  if (size === undefined) throw new Error('no size Standard-1X');
  const inside = (dyno: string, command: string, runtime = world().runtime): Promise<RunTerminal> =>
    runtime.openInside({
      ...{ id: freshId('inside'), dyno, dynoName: 'worker.1', appName: 'contract-app', size, command },
      ...{ env: { CONFIG: 'c', DYNO: 'worker.1' }, columns: 91, rows: 33 },
    });
  const opened = async (dyno: string, command: string): Promise<Screen> =>
    new Screen(await inside(dyno, command));
  /** A dyno that counts for ever and prints that it has started. */
  const dynoWith = async (command: string) => {
    const order = { slug: slug(), command, env: { CONFIG: 'c' }, name: 'worker.1' };
    const dyno = await startDyno(world().runtime, order);
    const output = new Output(world().runtime, dyno.id);
    await until('the start of the dyno', () => output.text().includes('ready\n'));
    return { ...dyno, output };
  };
  const LOOP = 'while :; do sleep 0.1; done';

  test(
    'a command inside a dyno has its files, variables and PORT, a terminal of its own, and an exit code of its own',
    async () => {
      const dyno = await dynoWith(`echo changed > data.txt; echo ready; ${LOOP}`);
      await using screen = await opened(
        dyno.id,
        `test -t 0 && test -t 1 && test -t 2 && echo tty; stty size; cat data.txt; echo "$DYNO|$ORDER|$PORT"; exit 5`,
      );
      expect(await screen.finish()).toEqual({
        code: 5,
        text: `tty\r\n33 91\r\nchanged\r\nworker.1|a:c b:c profile|${String(dyno.port)}\r\n`,
      });
      const found = (await world().runtime.listDynos()).find((each) => each.id === dyno.id);
      expect(found?.exit).toBeNull();
      await world().runtime.removeDyno(dyno.id);
      await dyno.output.ended;
      expect(dyno.output.text()).toBe('ready\n');
    },
    LIMIT,
  );

  test(
    'what is typed inside a dyno is read, its terminal resizes, and a key interrupts its command only',
    async () => {
      const dyno = await dynoWith(`trap 'echo interrupted' INT; echo ready; ${LOOP}`);
      await using screen = await opened(
        dyno.id,
        `trap 'echo "now $(stty size)"' WINCH; read -r line; echo "read $line"; while :; do sleep 0.1; done`,
      );
      await screen.terminal.write('h\u00e9llo\r');
      await screen.shows('read h\u00c3\u00a9llo\r\n');
      await screen.terminal.resize(120, 40);
      await screen.shows('now 40 120\r\n');
      await screen.terminal.write('\x03');
      expect((await screen.finish()).code).toBe(130);
      await screen.terminal.resize(80, 24);
      await screen.terminal.write('nobody reads this');
      await world().runtime.removeDyno(dyno.id);
      await dyno.output.ended;
      expect(dyno.output.text()).toBe('ready\n');
    },
    LIMIT,
  );

  test(
    'signals and the end of a command inside a dyno reach all its processes and none of the dyno',
    async () => {
      const dyno = await dynoWith(`trap 'echo hung up' HUP; echo ready; ${LOOP}`);
      const files = 'rm -f alive-*; ';
      const tree = `bash -c 'trap "echo child hung up; exit 0" HUP; echo child up; while :; do sleep 0.1; done' & trap 'echo self hung up; wait; exit 9' HUP; wait`;
      await using screen = await opened(dyno.id, tree);
      await screen.shows('child up');
      await screen.terminal.kill('SIGHUP');
      const { code, text } = await screen.finish();
      expect([code, text.includes('child hung up')]).toEqual([9, true]);
      const stubborn = await opened(
        dyno.id,
        `${files}(trap '' HUP TERM; setsid bash -c 'trap "" HUP TERM; while :; do touch alive-$$; sleep 0.05; done') & trap '' HUP TERM; echo up; wait`,
      );
      await stubborn.shows('up');
      await stubborn.terminal.kill('SIGHUP');
      await stubborn.terminal.kill('SIGTERM');
      await stubborn.terminal.close();
      await stubborn.terminal.close();
      expect((await stubborn.finish()).code).toBe(137);
      await using count = await opened(
        dyno.id,
        `${files}sleep 0.3; for file in alive-*; do echo "$file"; done`,
      );
      expect((await count.finish()).text).toBe('alive-*\r\n');
      await world().runtime.removeDyno(dyno.id);
      await dyno.output.ended;
      expect(dyno.output.text()).toBe('ready\n');
    },
    LIMIT,
  );

  test(
    'output inside a dyno that nobody reads does not stop the end of its command',
    async () => {
      const dyno = await dynoWith(`echo ready; ${LOOP}`);
      await using full = await opened(dyno.id, 'seq 1 100000; echo done');
      expect((await full.finish()).text.split('\r\n').slice(-3)).toEqual(['100000', 'done', '']);
      const unread = await inside(dyno.id, 'yes');
      await sleep(500);
      await unread.close();
      expect(await unread.exited).toBe(137);
      await world().runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );

  test(
    'a command inside a dyno ends with the dyno, and nothing is left of it; a dyno that does not run takes none',
    async () => {
      const { runtime } = world();
      const ending = await dynoWith('echo ready; until [ -e end ]; do sleep 0.1; done');
      const first = await opened(ending.id, 'setsid sleep 600 & echo up; sleep 600');
      await first.shows('up');
      await using end = await opened(ending.id, 'touch end');
      await end.terminal.exited;
      expect((await first.finish()).code).toBe(137);
      await until('the end of the dyno', async () =>
        (await runtime.listDynos()).some((each) => each.id === ending.id && each.exit !== null),
      );
      await expect(inside(ending.id, 'ls')).rejects.toMatchObject({ code: 'not_found' });
      await runtime.removeDyno(ending.id);
      const removed = await dynoWith(`echo ready; ${LOOP}`);
      const second = await opened(removed.id, 'echo up; sleep 600');
      await second.shows('up');
      await runtime.removeDyno(removed.id);
      expect((await second.finish()).code).toBe(137);
      await expect(inside(removed.id, 'ls')).rejects.toMatchObject({ code: 'not_found' });
      for (const screen of [first, second]) await screen.terminal.close();
      await world().nothingLeftOf(slug().appId);
    },
    LIMIT,
  );

  test(
    'a command runs inside a one-off dyno on a terminal too, and ends with it',
    async () => {
      const id = freshId('run');
      await using run = new Screen(
        await world().runtime.openRun({
          ...{
            id,
            appId: slug().appId,
            appName: 'contract-app',
            name: 'run.4711',
            type: 'run',
            release: 3,
            slug: slug(),
          },
          ...{ command: 'echo own > data.txt; echo up; sleep 600', size, columns: 80, rows: 24, env: {} },
        }),
      );
      await run.shows('up');
      await using screen = await opened(id, 'cat data.txt; sleep 600');
      await screen.shows('own');
      await run.terminal.kill('SIGKILL');
      expect((await screen.finish()).code).toBe(137);
    },
    LIMIT,
  );

  test(
    'the next engine ends what one before it left inside dynos, and the dynos go on',
    async () => {
      const { runtime } = world();
      const dyno = await dynoWith(`echo ready; ${LOOP}`);
      const left = await opened(dyno.id, 'echo up; while :; do touch alive; sleep 0.05; done');
      await left.shows('up');
      const next = await world().reopen();
      await runtime.sweep({ appIds: [slug().appId], slugIds: [slug().id] });
      await sleep(100);
      expect(left.text).toBe('up\r\n');
      await next.sweep({ appIds: [slug().appId], slugIds: [slug().id] });
      expect((await left.finish()).code).toBe(137);
      const going = (await next.listDynos()).find((each) => each.id === dyno.id);
      expect(going?.exit).toBeNull();
      await using own = new Screen(await inside(dyno.id, 'echo up; sleep 600', next));
      await own.shows('up');
      await next.close();
      expect((await own.finish()).code).toBe(137);
      await left.terminal.close();
      await runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );
}
