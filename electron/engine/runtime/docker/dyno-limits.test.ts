import { findSize } from '#shared/model/size.ts';
import { expect, test } from 'vitest';
import {
  buildSlug,
  freshId,
  never,
  Output,
  outputOf,
  startDyno,
  until,
} from '../../../../test/runtime-contract/world.ts';
import { type DynoExit, type DynoInstance } from '../runtime.ts';
import { dockerTests, LIMIT } from './testing.ts';

await dockerTests('limits of a dyno on Docker', ({ open }) => {
  test(
    'a dyno is unprivileged and limited',
    async () => {
      const { runtime } = await open();
      const slug = await buildSlug(runtime, freshId('app'), [{ name: 'f', content: 'x' }]);
      const command = [
        'id -u; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status | tr -d "\\t"',
        'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null',
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null',
        'stat -c "%u %a" /app /app/f; touch /app/new; touch /usr/new 2>/dev/null || echo refused',
        'cat /proc/1/comm; [ -s "$SSL_CERT_FILE" ] && openssl x509 -in "$NODE_EXTRA_CA_CERTS" -noout && echo trusted',
      ].join('; ');
      const text = (await outputOf(runtime, { slug, command })).text();
      const none = '0000000000000000';
      expect(text.split('\n')).toEqual([
        ...[
          '1000',
          `CapBnd:${none}`,
          `CapEff:${none}`,
          'NoNewPrivs:1',
          '256',
          String(1088 * 1024 * 1024),
        ].sort((a, b) => text.indexOf(a) - text.indexOf(b)),
        ...['1000 755', '1000 644', 'refused', 'docker-init', 'trusted', ''],
      ]);
    },
    LIMIT,
  );

  test(
    'a dyno may go over its memory quota; the kernel ends it above twice the quota, and it is told as such',
    async () => {
      const { runtime } = await open();
      const exits: DynoExit[] = [];
      using _ = runtime.onExit((exit) => exits.push(exit));
      const slug = await buildSlug(runtime, freshId('app'), []);
      await runtime.stage(slug, never);
      const size = findSize('Standard-1X');
      if (!size) throw new Error('no size');
      const start = (command: string): Promise<DynoInstance> =>
        runtime.startDyno({
          ...{
            id: freshId('dyno'),
            appId: slug.appId,
            appName: 'app',
            name: 'web.1',
            type: 'web',
            release: 1,
          },
          ...{ slug, env: {}, command, size: { ...size, memoryMiB: 64 } },
        });
      const over = await start(
        `exec perl -e 'my @held; push @held, $_ x 1000000 for 1 .. 9, ("ab") x 45; sleep 600'`,
      );
      await until('it to be over its quota', async () => {
        const bytes = (await runtime.memoryOf()).get(over.id) ?? 0;
        return bytes > 90 * 2 ** 20;
      });
      const hog = await start(`exec perl -e 'my @a; push @a, "x" x 8000000 while 1'`);
      await until('the end', () => exits.length > 0, 60_000);
      expect(exits).toEqual([expect.objectContaining({ id: hog.id, code: 137, outOfMemory: true })]);
      await runtime.removeDyno(over.id);
    },
    LIMIT,
  );

  test(
    'processes of one dyno are limited to what ulimit -u prints, and do not count for another',
    async () => {
      const { runtime } = await open();
      const slug = await buildSlug(runtime, freshId('app'), []);
      await runtime.stage(slug, never);
      const fork = (count: number): string =>
        `exec perl -e '$| = 1; my $n = 0; for (1 .. ${String(count)}) { my $p = fork; if (!defined $p) { last } if (!$p) { sleep 600; exit } $n++ } print "$n\n"; sleep 600'`;
      const dynos = await Promise.all(
        [120, 120, 120, 400].map((count) => startDyno(runtime, { slug, command: fork(count) })),
      );
      const outputs = dynos.map((dyno) => new Output(runtime, dyno.id));
      await until('all to have forked', () => outputs.every((output) => output.text() !== ''));
      const [one, two, three, most = 0] = outputs.map((output) => Number(output.text()));
      expect([one, two, three]).toEqual([120, 120, 120]);
      // Docker's own first process and perl count as well.
      expect([most > 240, most < 256]).toEqual([true, true]);
      for (const dyno of dynos) await runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );

  test(
    'lines longer than one message of Docker come unchanged and can be resumed in the middle',
    async () => {
      const { runtime } = await open();
      const slug = await buildSlug(runtime, freshId('app'), []);
      const command = `perl -e 'print join("", map { chr(97 + $_ % 26) } 1 .. 100000), "\\n", "end\\n"'`;
      const dyno = await startDyno(runtime, { slug, command });
      using output = new Output(runtime, dyno.id);
      await output.ended;
      const wanted = `${Array.from({ length: 100_000 }, (_, i) => String.fromCharCode(97 + ((i + 1) % 26))).join('')}\nend\n`;
      expect(output.text() === wanted).toBe(true);
      let before = 0;
      for (const piece of output.pieces) {
        before += piece.bytes.length;
        using rest = new Output(runtime, dyno.id, piece.position);
        await rest.ended;
        if (rest.text() !== '') expect(wanted.endsWith(rest.text())).toBe(true);
        expect(rest.text().length).toBeGreaterThanOrEqual(0);
        if (before === wanted.length) expect(rest.text()).toBe('');
      }
    },
    LIMIT,
  );
});
