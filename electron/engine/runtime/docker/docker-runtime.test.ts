import { join } from 'node:path';
import { findSize } from '#shared/model/size.ts';
import { expect, test } from 'vitest';
import {
  buildSlug,
  freshId,
  never,
  Output,
  openBox,
  script,
  STACK,
  startDyno,
  until,
} from '../../../../test/runtime-contract/world.ts';
import { RuntimeError } from '../runtime.ts';
import {
  createContainer,
  inspectContainer,
  listContainers,
  removeContainer,
  startContainer,
} from './containers.ts';
import { connectDaemon } from './daemon.ts';
import { LABEL, labelFilter, labels } from './names.ts';
import { listNetworks } from './networks.ts';
import { openWay } from './socket-way.fixture.ts';
import { dockerTests, LIMIT } from './testing.ts';

await dockerTests('docker runtime', ({ daemon, open, folder }) => {
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
    'a dyno does not get the address of one that has just ended, nor one that is taken',
    async () => {
      const { runtime, owner } = await open();
      const slug = await buildSlug(runtime, freshId('app'), []);
      const start = () => startDyno(runtime, { slug, command: 'exec sleep 600' });
      const ended = await start();
      await runtime.removeDyno(ended.id);
      const dyno = await start();
      expect(dyno.address?.host).not.toBe(ended.address?.host);
      const [network] = await listNetworks(daemon, labelFilter(owner, 'network'));
      const stranger = await createContainer(daemon, '', {
        Image: `${STACK}:latest`,
        Labels: labels(owner, 'dyno'),
        Cmd: ['sleep', '600'],
        HostConfig: { NetworkMode: network?.name },
        NetworkingConfig: {
          EndpointsConfig: {
            [network?.name ?? '']: { IPAMConfig: { IPv4Address: following(dyno.address?.host ?? '') } },
          },
        },
      });
      await startContainer(daemon, stranger);
      const next = await start();
      const hosts = [dyno, next].map(({ address }) => address?.host);
      expect(hosts).not.toContain(undefined);
      expect(new Set([...hosts, (await inspectContainer(daemon, stranger))?.ip]).size).toBe(3);
      await removeContainer(daemon, stranger);
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
      const way = await openWay(daemon.facts.address, join(folder(), 'way.sock'));
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

  test(
    'a box that starts while its app goes, or while the runtime closes, does not stay',
    async () => {
      const { runtime, owner } = await open();
      const boxes = () => listContainers(daemon, labelFilter(owner, 'build'));
      const gone = () => until('the end of the box', async () => (await boxes()).length === 0);
      const doomed = freshId('app');
      const forgotten = Promise.allSettled([openBox(runtime, doomed)]);
      await until('a box', async () => (await boxes()).length === 1);
      await runtime.destroyApp(doomed, []);
      await forgotten;
      await gone();
      const late = Promise.allSettled([openBox(runtime, freshId('app'))]);
      await until('a box', async () => (await boxes()).length === 1);
      await runtime.close();
      await late;
      await gone();
    },
    LIMIT,
  );

  test(
    'the box of a new app is there before its first build, and only that of the newest',
    async () => {
      const { runtime, owner } = await open();
      const boxes = () => listContainers(daemon, labelFilter(owner, 'build'));
      const only = (appId: string) =>
        until(
          `a box of ${appId} alone`,
          async () => (await boxes()).map(({ labels }) => labels[LABEL.app]).join() === appId,
        );
      const spec = { buildId: freshId('build'), stack: STACK, buildpacks: [], clearCache: false };
      const apps = ['one', 'two', 'three'].map(freshId);
      const [one = '', two = '', three = ''] = apps;
      runtime.expectBuild({ ...spec, appId: one });
      await only(one);
      runtime.expectBuild({ ...spec, appId: two });
      await only(two);
      const [ready] = await boxes();
      const box = await openBox(runtime, two);
      expect((await boxes()).map(({ id }) => id)).toEqual([ready?.id]);
      runtime.expectBuild({ ...spec, appId: three });
      await until('a second box', async () => (await boxes()).length === 2);
      expect((await script(box, 'ls -A; echo ok')).output).toBe('ok\n');
      await box.close();
      await runtime.destroyApp(three, []);
      await only(two);
      runtime.expectBuild({ ...spec, appId: one });
      await runtime.close();
      expect(await boxes()).toEqual([]);
    },
    LIMIT,
  );
});

/** The address that the next container gets: one more, and after the last but one of its 1024 the third. */
function following(host: string): string {
  const bytes = Buffer.from(host.split('.').map(Number));
  const next = bytes.readUInt32BE(0) + 1;
  bytes.writeUInt32BE(next % 1024 === 1023 ? next - 1021 : next);
  return [...bytes].join('.');
}
