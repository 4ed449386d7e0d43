import type { Runtime } from '#engine/runtime/runtime.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { findSize } from '#shared/model/size.ts';
import { expect, test } from 'vitest';
import { APP } from './dyno-contract.ts';
import { Screen } from './screen.ts';
import { stagedSlug } from './set-up.ts';
import type { ContractContext } from './suite.ts';
import { freshId, LIMIT, never } from './world.ts';

/** Promises about one-off dynos with a terminal. */
export function runContract(context: ContractContext): void {
  const { world } = context;
  const slug = stagedSlug(context, APP);

  const openRun = (command: string, env: Record<string, string> = {}, runtime = world().runtime) => {
    const size = findSize('Standard-1X');
    if (size === undefined) throw new Error('no size Standard-1X');
    return runtime.openRun({
      ...{ id: freshId('run'), appId: slug().appId, appName: 'contract-app', name: 'run.4711', type: 'run' },
      ...{ release: 3, slug: slug(), command, size, columns: 91, rows: 33 },
      env: { ...env, DYNO: 'run.4711' },
    });
  };
  const opened = async (command: string, env?: Record<string, string>): Promise<Screen> =>
    new Screen(await openRun(command, env));

  test(
    'a one-off dyno has a terminal of the given size, its own copy of the slug: slug(), config, and reports its exit code',
    async () => {
      const tests = 'test -t 0 && test -t 1 && test -t 2 && echo tty; stty size';
      await using screen = await opened(
        `${tests}; echo "$DYNO|$ORDER|$QUOTED"; [ "$PWD" -ef "$HOME" ] && cat data.txt; echo changed > data.txt; exit 3`,
        { CONFIG: 'c', QUOTED: `it's "two"\nlines $HOME` },
      );
      const { code, text } = await screen.finish();
      expect(text).toBe(`tty\r\n33 91\r\nrun.4711|a:c b:c profile|it's "two"\r\nlines $HOME\r\noriginal`);
      expect(code).toBe(3);
      await using again = await opened('cat data.txt');
      expect((await again.finish()).text).toBe('original');
    },
    LIMIT,
  );

  test(
    'what is typed is echoed and read; a one-off dyno resizes while it runs',
    async () => {
      await using screen = await opened(
        `trap 'echo "now $(stty size)"' WINCH; read -r line; echo "read $line"; while :; do sleep 0.1; done`,
      );
      await screen.terminal.write('h\u00e9llo\r');
      await screen.shows('h\u00c3\u00a9llo\r\nread h\u00c3\u00a9llo\r\n');
      await screen.terminal.resize(120, 40);
      await screen.shows('now 40 120\r\n');
      await screen.terminal.write('\x03');
      expect((await screen.finish()).code).toBe(130);
      await screen.terminal.resize(80, 24);
      await screen.terminal.write('nobody reads this');
    },
    LIMIT,
  );

  test(
    'Ctrl-C ends a command with 130, in a one-off dyno that runs a shell too; every key gets through',
    async () => {
      await using screen = await opened('sleep 100');
      await sleep(300);
      await screen.terminal.write('\x03');
      expect((await screen.finish()).code).toBe(130);
      await using shell = await opened('bash --norc');
      await shell.terminal.write('PS1="<""> "; sleep 100\r');
      await shell.shows('sleep 100');
      await sleep(300);
      await shell.terminal.write('\x03');
      await shell.shows('<> ');
      await shell.terminal.write('stty raw -echo; echo go; head -c 3 | od -An -tx1; exit 7\r');
      await shell.shows('go\n');
      await shell.terminal.write('\x10');
      await sleep(100);
      await shell.terminal.write('\x11');
      await sleep(100);
      await shell.terminal.write('\x00');
      await sleep(100);
      await shell.terminal.write('x');
      const { code, text } = await shell.finish();
      expect(text).toContain('10 11 00');
      expect(code).toBe(7);
    },
    LIMIT,
  );

  test(
    'signals reach every process of a one-off dyno; closing leaves nothing behind',
    async () => {
      const own = freshId('mark');
      const tree = `bash -c 'trap "echo child hung up; exit 0" HUP; echo child up; while :; do sleep 0.1; done' & trap 'echo hung up; wait; exit 9' HUP; wait`;
      await using screen = await opened(tree);
      await screen.shows('child up');
      await screen.terminal.kill('SIGHUP');
      const { code, text } = await screen.finish();
      expect(text).toContain('child hung up');
      expect(code).toBe(9);
      const stubborn = await opened(
        `setsid bash -c 'trap "" HUP TERM; touch ${own}; while :; do sleep 0.1; done' & trap '' HUP TERM; echo up; wait`,
      );
      await stubborn.shows('up');
      await stubborn.terminal.kill('SIGHUP');
      await stubborn.terminal.kill('SIGTERM');
      await stubborn.terminal.close();
      await stubborn.terminal.close();
      expect((await stubborn.finish()).code).toBe(137);
      await screen.terminal.close();
      await world().nothingLeftOf(slug().appId);
    },
    LIMIT,
  );

  test(
    'output of a one-off dyno that nobody reads holds the command up, loses nothing, and does not stop its end',
    async () => {
      await using full = new Screen(await openRun('seq 1 400000; echo done'));
      const { text } = await full.finish();
      expect(text.split('\r\n').slice(-3)).toEqual(['400000', 'done', '']);
      expect(text.length).toBe(
        Array.from({ length: 400_000 }, (_, at) => String(at + 1).length + 2).reduce((a, b) => a + b) + 6,
      );
      const unread = await openRun('yes');
      await sleep(500);
      await unread.close();
      expect(await unread.exited).toBe(137);
    },
    LIMIT,
  );

  test(
    'memoryOf knows one-off dynos too, whatever they start on their terminal',
    async () => {
      const hold = `perl -e 'my $held = "x" x (96 << 20); $| = 1; print "ready\\n"; sleep 600'`;
      const terminal = await openRun(`set -m; ${hold} & wait`);
      await using screen = new Screen(terminal);
      await screen.shows('ready');
      const found = [...(await world().runtime.memoryOf()).values()].map((bytes) => bytes / 2 ** 20);
      expect(found.filter((mib) => mib > 90 && mib < 300).length).toBe(1);
    },
    LIMIT,
  );

  test(
    'one-off dynos are not among the dynos; sweep of the next engine and destroyApp remove them',
    async () => {
      const { runtime } = world();
      const left = new Screen(await openRun('echo up; sleep 600'));
      await left.shows('up');
      const next: Runtime = await world().reopen();
      expect(await next.listDynos()).toEqual([]);
      await runtime.sweep({ appIds: [slug().appId], slugIds: [slug().id] });
      await sleep(100);
      expect(left.text).toBe('up\r\n');
      await next.sweep({ appIds: [slug().appId], slugIds: [slug().id] });
      expect((await left.finish()).code).toBe(137);
      await next.close();
      const doomed = await openRun('sleep 600');
      await runtime.destroyApp(slug().appId, []);
      expect(await doomed.exited).toBe(137);
      await world().nothingLeftOf(slug().appId);
      await left.terminal.close();
      await doomed.close();
      await runtime.stage(slug(), never);
    },
    LIMIT,
  );
}
