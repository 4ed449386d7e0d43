import { randomUUID } from 'node:crypto';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDaemon } from '../../electron/engine/runtime/docker/daemon.ts';
import { makeStack } from '../../electron/engine/runtime/docker/stack-images.ts';
import { makeBuilder } from './support/builder.ts';
import { build, workFolder, type WorkFolder } from './support/buildpack.ts';
import { allOwned, docker, owned, whyNoDocker } from './support/docker.ts';
import { deploy, type Host, logLines, startHost, waitFor } from './support/host.ts';
import { get } from './support/load.ts';
import { runToEnd } from './support/runs.ts';

const APP = join(import.meta.dirname, '..', 'fixtures', 'cnb-app');
const BUILDER = `slipway-test/builder:${randomUUID()}`;
/** Compiling the lifecycle, once for each machine. */
const MAKE_MS = 600_000;

const missing = whyNoDocker() ?? (await whyNoBuilder());

describe.skipIf(missing !== null)('apps that Cloud Native Buildpacks build', () => {
  let host: Host;
  let work: WorkFolder;
  let folder: string;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
    work = await workFolder();
    folder = join(work.path, 'app');
    await cp(APP, folder, { recursive: true });
    await host.client.call('apps.create', { name: 'native', stack: 'cnb' });
    await host.client.call('config.update', { app: 'native', change: { COLOUR: 'green' } });
  });
  afterAll(async () => {
    await host.stop();
    await work.remove();
    docker('rmi', BUILDER);
  });

  it('what is no builder, or cannot be fetched, is told with what to do', async () => {
    expect((await host.client.call('apps.get', { app: 'native' })).options.builder).toBe('heroku/builder:24');
    await use('localhost:1/slipway/none:1');
    expect((await build(host, 'native', folder)).build.failure).toMatchObject({
      code: 'stack_failed',
      message: expect.stringMatching(
        /^The builder localhost:1\/slipway\/none:1 could not be fetched: .*\. Try "docker pull localhost:1\/slipway\/none:1" and deploy again, or choose another builder: slipway options builder=IMAGE\.$/,
      ) as string,
    });
    await use('slipway-13:latest');
    expect((await build(host, 'native', folder)).build.failure).toMatchObject({
      code: 'stack_failed',
      message: expect.stringContaining(
        'slipway-13:latest is no builder of Cloud Native Buildpacks',
      ) as string,
    });
    await use(BUILDER);
  });

  it('a source is built as the builder’s user, with config vars, and its image is started by its launcher', async () => {
    const { build: made, output } = await build(host, 'native', folder);
    expect(made.failure, output).toBeNull();
    expect(output).toContain(`-----> Building on the Cnb stack\n-----> Using builder: ${BUILDER}\n`);
    expect(output).toContain('builds before this one: 0\n');
    expect(output).toContain('user 1000 with colour green in /workspace, owner of the files 1000\n');
    expect(output).toContain('certificates of the machine\n');
    expect(output).not.toContain('socket can be used');
    expect(output).toContain('       web -> python3 -u serve.py\n');
    await untilGreeting('first');
    expect(await facts()).toEqual({
      ...{ greeting: 'first', folder: '/workspace', user: 1000 },
      ...{ NOTE: 'said by a layer', COLOUR: 'green', DYNO: 'web.1' },
    });
  });

  it('other types and one-off dynos have what layers say', async () => {
    const updates = [{ type: 'worker', quantity: 1 }];
    await host.client.call('formation.update', { app: 'native', updates });
    await waitFor('the worker', async () =>
      (await logLines(host, 'native')).some((line) =>
        line.endsWith('app[worker.1]: working as worker.1, said by a layer'),
      ),
    );
    const command = 'echo "$NOTE: $(cat greeting.txt) $COLOUR $DYNO"; exit 3';
    expect(await runToEnd(host, { app: 'native', command })).toMatchObject({
      text: expect.stringMatching(/^said by a layer: first green run\.\d{4}\r\n$/) as string,
      code: 3,
    });
  });

  it('the next build has the layers of the last one, until the cache is purged', async () => {
    await writeFile(join(folder, 'greeting.txt'), 'second\n');
    const second = await build(host, 'native', folder);
    expect(second.build.failure, second.output).toBeNull();
    expect(second.output).toContain('builds before this one: 1\n');
    expect(second.output).toMatch(/Reusing layer 'buildpacksio\/lifecycle:launcher'/);
    await untilGreeting('second');
    await host.client.call('builds.purgeCache', { app: 'native' });
    const third = await build(host, 'native', folder);
    expect(third.output).toContain('builds before this one: 0\n');
    const back = await host.client.call('releases.rollback', {
      app: 'native',
      version: (second.build.release ?? 0) - 1,
    });
    expect(back.version).toBe((third.build.release ?? 0) + 1);
    await untilGreeting('first');
  });

  it('a build is cancelled at once, and leaves no container', async () => {
    await writeFile(join(folder, 'pause'), '');
    const source = { kind: 'folder', path: folder } as const;
    const { id } = await host.client.call('builds.start', { app: 'native', source });
    for await (const items of host.client.open('builds.output', { app: 'native', build: id }))
      if (items.some(({ text }) => text.includes('waiting\n'))) break;
    const { failure } = await host.client.call('builds.cancel', { app: 'native', build: id });
    expect(failure).toMatchObject({ code: 'cancelled' });
    expect(docker('ps', '-aq', ...owned(host, 'build'))).toEqual([]);
    await rm(join(folder, 'pause'));
    expect((await facts())['greeting']).toBe('first');
  });

  it('an app that no buildpacks take is told so', async () => {
    const other = await work.files('other', { 'notes.txt': 'nothing to serve\n' });
    expect((await build(host, 'native', other)).build.failure).toMatchObject({
      code: 'compile_failed',
      message: expect.stringContaining(`No buildpacks of the builder ${BUILDER} take this app.`) as string,
    });
  });

  it('a destroyed app leaves nothing', async () => {
    await host.client.call('apps.destroy', { app: 'native', confirm: 'native' });
    expect(allOwned(host)).toEqual([]);
  });

  const use = (builder: string) => host.client.call('apps.update', { app: 'native', builder });

  async function facts(): Promise<Record<string, unknown>> {
    return JSON.parse((await get(host.routerPort, 'native', '/')).body) as Record<string, unknown>;
  }

  const untilGreeting = (text: string): Promise<void> =>
    waitFor(`the greeting ${text}`, async () =>
      (await get(host.routerPort, 'native', '/')).body.includes(`"greeting": "${text}"`),
    );
});

describe('an app for Cloud Native Buildpacks, on plain processes', () => {
  it('is refused with what to do', async () => {
    const host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    try {
      await host.client.call('apps.create', { name: 'native', stack: 'cnb' });
      expect((await deploy(host, 'native', APP)).failure).toMatchObject({
        code: 'stack_failed',
        message: expect.stringMatching(
          /^The builder heroku\/builder:24 is a Docker image, and plain processes run none\. Install Docker or start it/,
        ) as string,
      });
    } finally {
      await host.stop();
    }
  });
});

/** Makes the builder. @returns why that cannot be done here, or null; printed, so that a skip is never silent */
async function whyNoBuilder(): Promise<string | null> {
  const daemon = await connectDaemon({ socketPath: null });
  const signal = AbortSignal.timeout(MAKE_MS);
  await makeStack('slipway-13', { daemon, owner: 'stack', report: () => undefined, signal });
  const reason = await makeBuilder(BUILDER);
  if (reason !== null) console.log(`${reason}: tests of Cloud Native Buildpacks are skipped`);
  return reason;
}
