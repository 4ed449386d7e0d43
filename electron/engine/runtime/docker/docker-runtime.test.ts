import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSize } from '#shared/model/size.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildSlug,
  freshId,
  never,
  Output,
  openBox,
  outputOf,
  packed,
  script,
  slugOf,
  sourceTar,
  startDyno,
  until,
} from '../../../../test/runtime-contract/world.ts';
import { systemClock } from '../../util/clock.ts';
import { type DynoExit, type DynoInstance, RuntimeError } from '../runtime.ts';
import { listContainers } from './containers.ts';
import { connectDaemon, type Daemon, type DaemonFacts } from './daemon.ts';
import { createDockerRuntime, type DockerRuntime } from './docker-runtime.ts';
import { listImages, removeImage } from './images.ts';
import { LABEL, labelFilter, slugImage } from './names.ts';
import { listNetworks, listVolumes } from './networks.ts';
import { openWay } from './socket-way.fixture.ts';

const reached = await connectDaemon({ socketPath: null }).then(
  (daemon) => ({ daemon, why: '' }),
  (error: unknown) => ({ daemon: null, why: String(error) }),
);

/** Limit of one test in milliseconds; a deadline for broken code, nothing is measured with it. */
const LIMIT = 120_000;

interface Opened {
  readonly runtime: DockerRuntime;
  readonly owner: string;
}

const opened: Opened[] = [];
let stateDir = '';

async function open(
  more: { owner?: string; socketPath?: string; facts?: Partial<DaemonFacts> } = {},
): Promise<Opened> {
  const owner = more.owner ?? `test-${randomUUID()}`;
  const diagnostics = { note: () => undefined, problem: () => undefined };
  const base = {
    ownerId: owner,
    stateDir: join(stateDir, owner),
    clock: systemClock,
    buildEnv: { BUILD_SETTING: 'b' },
    diagnostics,
  };
  const daemon = more.facts && reached.daemon ? withFacts(reached.daemon, more.facts) : undefined;
  const runtime = await createDockerRuntime({
    ...base,
    ...(daemon ? { daemon } : {}),
    ...(more.socketPath === undefined ? {} : { socketPath: more.socketPath }),
  });
  const made = { runtime, owner };
  opened.push(made);
  return made;
}

function withFacts(daemon: Daemon, facts: Partial<DaemonFacts>): Daemon {
  return { ...daemon, facts: { ...daemon.facts, ...facts } };
}

async function leftOf(daemon: Daemon, owner: string): Promise<number> {
  const label = labelFilter(owner);
  const lists = [listContainers, listImages, listNetworks, listVolumes] as const;
  const rows = await Promise.all(lists.map((list) => list(daemon, label) as Promise<readonly unknown[]>));
  return rows.reduce((sum, row) => sum + row.length, 0);
}

if (reached.daemon === null) {
  describe('docker runtime', () => {
    test.skip(`not run: ${reached.why}`, () => undefined);
  });
} else {
  runTests(reached.daemon);
}

function runTests(daemon: Daemon): void {
  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'slipway-docker-'));
    const { runtime } = await open();
    await runtime.prepare('slipway-13', () => undefined, never);
  }, 15 * 60_000);
  afterAll(async () => {
    for (const { runtime, owner } of opened) {
      await runtime.purge();
      await runtime.close();
      expect(await leftOf(daemon, owner)).toBe(0);
    }
    await rm(stateDir, { recursive: true, force: true });
  }, LIMIT);

  test(
    'places for dynos go with their app, with the runtime and with the sweep of the next one',
    async () => {
      const { runtime, owner } = await open();
      const size = findSize('Standard-1X');
      if (size === undefined) throw new Error('no size Standard-1X');
      const entries = [
        { name: 'a.txt', content: 'a' },
        { name: 'node_modules/a/index.js', content: 'a' },
      ];
      const apps = [freshId('app'), freshId('app')];
      const places: string[] = [];
      for (const appId of apps) {
        const slug = await buildSlug(runtime, appId, entries);
        await runtime.stage(slug, never);
        for (const id of [freshId('dyno'), freshId('dyno')]) {
          expect(await runtime.reserveDyno({ id, appId, appName: 'places', slug, size })).toBe(true);
          places.push(id);
        }
      }
      const there = async () =>
        (await listContainers(daemon, labelFilter(owner, 'dyno')))
          .map((row) => row.labels[LABEL.dyno])
          .sort();
      expect(await there()).toEqual([...places].sort());
      await runtime.sweep({ appIds: apps, slugIds: [] });
      expect(await there()).toEqual([...places].sort());
      await runtime.destroyApp(apps[0] ?? '', []);
      expect(await there()).toEqual(places.slice(2).sort());
      const next = await open({ owner });
      await next.runtime.sweep({ appIds: apps, slugIds: [] });
      expect(await there()).toEqual([]);
      const slug = await buildSlug(runtime, apps[1] ?? '', entries);
      await runtime.stage(slug, never);
      const spec = { id: freshId('dyno'), appId: apps[1] ?? '', appName: 'places', slug, size };
      expect(await runtime.reserveDyno(spec)).toBe(true);
      await runtime.close();
      expect(await there()).toEqual([]);
      expect(await runtime.reserveDyno({ ...spec, id: freshId('dyno') })).toBe(false);
    },
    LIMIT,
  );

  test('no daemon: one sentence with the socket and the next step', async () => {
    const error: unknown = await connectDaemon({ socketPath: '/nowhere/docker.sock' }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/\/nowhere\/docker\.sock.*Start Docker/) as string,
    });
  });

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

  test(
    'a staged image that was removed from outside is made again when a dyno starts',
    async () => {
      const { runtime, owner } = await open();
      const slug = await buildSlug(runtime, freshId('app'), [{ name: 'f', content: 'still here' }]);
      await runtime.stage(slug, never);
      expect(await removeImage(daemon, slugImage(owner, slug.id))).toBe(true);
      expect((await outputOf(runtime, { slug, command: 'cat f' })).text()).toBe('still here');
    },
    LIMIT,
  );

  test(
    'a redeploy sends only the part that changed',
    async () => {
      const { runtime } = await open();
      const appId = freshId('app');
      const first = await heavySlug(runtime, appId, 'one', new Map());
      await runtime.stage(first.slug, never);
      const second = await heavySlug(runtime, appId, 'two', first.parts);
      const opens: number[] = [];
      const watched = {
        ...second.slug,
        open: (part?: (typeof second.slug.parts)[number]) => {
          opens.push(second.slug.parts.findIndex((each) => each.key === part?.key));
          return second.slug.open(part);
        },
      };
      await runtime.stage(watched, never);
      expect(opens).toEqual([1]);
      expect(
        (
          await outputOf(runtime, {
            slug: watched,
            command: 'cat main.txt; ls node_modules | wc -l; stat -c %u node_modules/1',
          })
        ).text(),
      ).toBe('two500\n1000\n');
      await runtime.unstage(first.slug.id);
      expect((await outputOf(runtime, { slug: watched, command: 'cat main.txt' })).text()).toBe('two');
    },
    LIMIT,
  );

  test(
    'daemons that load no partial archives: staged by commits, layers shared, nothing left over',
    async () => {
      const { runtime, owner } = await open({ facts: { sparseLoad: false } });
      const appId = freshId('app');
      const first = await heavySlug(runtime, appId, 'one', new Map());
      await runtime.stage(first.slug, never);
      const second = await heavySlug(runtime, appId, 'two', first.parts);
      await runtime.stage(second.slug, never);
      expect(
        (
          await outputOf(runtime, {
            slug: second.slug,
            command: 'cat main.txt; ls node_modules | wc -l; stat -c %u /app node_modules/1',
          })
        ).text(),
      ).toBe('two500\n1000\n1000\n');
      const images = await listImages(daemon, labelFilter(owner));
      expect(images.map((image) => image.labels[LABEL.kind]).sort()).toEqual(['layer', 'slug', 'slug']);
      expect(images.every((image) => image.tags.length === 1)).toBe(true);
      await runtime.unstage(first.slug.id);
      expect((await listImages(daemon, labelFilter(owner))).length).toBe(2);
      await runtime.destroyApp(appId, [second.slug.id]);
      expect(await leftOf(daemon, owner)).toBe(0);
    },
    LIMIT,
  );

  test(
    'where containers have no address for us, dynos are reached by a port of the loopback',
    async () => {
      const { runtime } = await open({ facts: { addressable: false } });
      const listen = `use Socket; sleep 2; socket(my $s, PF_INET, SOCK_STREAM, 0); bind($s, sockaddr_in($ENV{PORT}, INADDR_ANY)); listen($s, 16); while (accept(my $c, $s)) { sleep 1; close $c }`;
      const slug = await buildSlug(runtime, freshId('app'), [{ name: 'listen.pl', content: listen }]);
      const dyno = await startDyno(runtime, { slug, command: 'exec perl listen.pl' });
      expect(dyno.address?.host).toBe('127.0.0.1');
      expect(await runtime.isListening(dyno)).toBe(false);
      await until('the dyno to listen', () => runtime.isListening(dyno));
      expect((await runtime.listDynos())[0]?.address).toEqual(dyno.address);
      await runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );

  test(
    'more apps have networks than Docker has room for by itself',
    async () => {
      const { runtime, owner } = await open();
      const slug = await buildSlug(runtime, freshId('app'), []);
      const apps = Array.from({ length: 40 }, (_, at) => `${slug.appId}-${String(at)}`);
      for (const appId of apps) await runtime.stage({ ...slug, appId }, never);
      const ofApps = async () => (await listNetworks(daemon, labelFilter(owner, 'network'))).length;
      await until('all networks', async () => (await ofApps()) === 40);
      await runtime.sweep({ appIds: [apps[0] ?? ''], slugIds: [slug.id] });
      expect(await ofApps()).toBe(1);
    },
    LIMIT,
  );

  test(
    'an engine does not see or sweep what is of another one',
    async () => {
      const [one, other] = [await open(), await open()];
      const slug = await buildSlug(one.runtime, freshId('app'), [{ name: 'f', content: 'x' }]);
      const dyno = await startDyno(one.runtime, { slug, command: 'exec sleep 600' });
      await other.runtime.sweep({ appIds: [], slugIds: [] });
      await other.runtime.removeDyno(dyno.id);
      expect(await other.runtime.listDynos()).toEqual([]);
      expect((await one.runtime.listDynos()).map((each) => each.exit)).toEqual([null]);
    },
    LIMIT,
  );

  test(
    'a lost daemon is told, and when it is back output goes on where it was',
    async () => {
      const way = await openWay(daemon.facts.address, join(stateDir, 'way.sock'));
      const { runtime } = await open({ socketPath: way.path });
      const states: string[] = [];
      using _ = runtime.onAvailability((state) => states.push(state));
      const slug = await buildSlug(runtime, freshId('app'), []);
      const dyno = await startDyno(runtime, {
        slug,
        command: 'for ((i = 1; i <= 60; i++)); do echo "line $i"; sleep 0.05; done; sleep 600',
      });
      using output = new Output(runtime, dyno.id);
      await until('some lines', () => output.text().includes('line 5\n'));
      way.close();
      await until('the loss', () => states.includes('lost'));
      await expect(runtime.listDynos()).rejects.toMatchObject({ code: 'unavailable' });
      await way.open();
      await until('the daemon again', () => states.includes('back'));
      await until('the last line', () => output.text().includes('line 60\n'));
      expect(output.text()).toBe(Array.from({ length: 60 }, (_, i) => `line ${String(i + 1)}\n`).join(''));
      expect((await runtime.listDynos()).map(({ id }) => id)).toEqual([dyno.id]);
    },
    LIMIT,
  );

  test(
    'a warm box that is killed from outside is replaced, and leaves nothing of the build before',
    async () => {
      const { runtime, owner } = await open();
      const appId = freshId('app');
      const first = await openBox(runtime, appId);
      expect(
        await script(first, 'echo "$BUILD_SETTING"; touch /tmp/left /app/left; mkdir -p a/b; chmod 555 a'),
      ).toEqual({ code: 0, output: 'b\n' });
      await first.close();
      const second = await openBox(runtime, appId);
      expect((await script(second, 'ls -A /app "$PWD/.."')).output).not.toMatch(/left/);
      await second.close();
      const [box] = await listContainers(daemon, labelFilter(owner, 'build'));
      await daemon.json({ method: 'POST', path: `/containers/${box?.id ?? ''}/kill`, ok: [204] });
      const third = await openBox(runtime, appId);
      expect((await script(third, 'echo ok')).output).toBe('ok\n');
      await third.close();
    },
    LIMIT,
  );
}

async function heavySlug(
  runtime: DockerRuntime,
  appId: string,
  content: string,
  known: ReadonlyMap<string, Buffer | null>,
) {
  const box = await openBox(runtime, appId);
  try {
    await box.putSource(sourceTar([{ name: 'main.txt', content }]));
    const make =
      'if [ -d "$C/n" ]; then mv "$C/n" node_modules; else mkdir node_modules; for i in {1..500}; do echo $i > node_modules/$i; done; fi';
    await script(box, make, { C: box.cacheDir });
    const parts = await packed(box, new Set(known.keys()));
    await script(box, 'mv node_modules "$C/n"', { C: box.cacheDir });
    const whole = new Map([...parts].map(([key, bytes]) => [key, bytes ?? known.get(key) ?? null]));
    return { parts: whole, slug: slugOf(appId, whole) };
  } finally {
    await box.close();
  }
}
