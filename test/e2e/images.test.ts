import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDaemon } from '../../electron/engine/runtime/docker/daemon.ts';
import { makeStack } from '../../electron/engine/runtime/docker/stack-images.ts';
import { build, scripts, workFolder, type WorkFolder } from './support/buildpack.ts';
import { allOwned, docker, owned, stepTags, whyNoDocker } from './support/docker.ts';
import { deploy, type Host, logLines, startHost, untilAnswer, waitFor } from './support/host.ts';
import { get, startLoad } from './support/load.ts';
import { runToEnd } from './support/runs.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const PER_SECOND = 50;

describe.skipIf(whyNoDocker() !== null)('apps that are Docker images', () => {
  let host: Host;
  let folder: string;
  const env = { SLIPWAY_RUNTIME: 'docker' };

  beforeAll(async () => {
    await ownStack();
    host = await startHost(env);
    folder = await mkdtemp(join(tmpdir(), 'slipway-images-'));
    for (const name of ['image-app', 'image-shop'])
      await cp(join(FIXTURES, name), join(folder, name), { recursive: true });
    await cp(join(FIXTURES, 'image-app', 'greeter.py'), join(folder, 'image-shop', 'greeter.py'));
  });
  afterAll(async () => {
    await host.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('a Dockerfile is built when the stack is container, and not before', async () => {
    await host.client.call('apps.create', { name: 'boxed' });
    const refused = await deployed('boxed', 'image-app');
    expect(refused.build.failure).toMatchObject({ code: 'no_buildpack' });
    expect(refused.output).toMatch(
      /articles\/buildpacks\n !     The source has a Dockerfile, so Docker can build it: /,
    );
    await host.client.call('apps.setStack', { app: 'boxed', stack: 'container' });
    const { build: made, output } = await deployed('boxed', 'image-app');
    expect(made.failure, output).toBeNull();
    expect(output).toContain(
      '-----> Building on the Container stack\n-----> Building from Dockerfile, as the stack is container\n',
    );
    expect(output).toMatch(
      /=== Building web \(Dockerfile\)\n       \.dockerignore leaves out 1 of the files\.\n(.*\n)*Step 1\/\d+ : FROM slipway-13-build:latest AS notes\n/,
    );
    expect(output).toContain('       web -> python3 -u greeter.py $PORT\n');
    await untilAnswer(host, 'boxed', 'hello from an image');
  });

  it('its dynos run as nobody in particular, with a port, where the image says, within the limits of their size', async () => {
    const facts = JSON.parse((await get(host.routerPort, 'boxed', '/facts')).body) as Record<string, unknown>;
    expect(facts).toMatchObject({ dyno: 'web.1', folder: '/srv/app' });
    expect(facts['files']).toEqual([
      ...['.dockerignore', 'Dockerfile', 'README.md', 'greeter.py', 'greeting.txt', 'note.txt'],
    ]);
    expect(facts['user']).toBeGreaterThan(1_000);
    const [container = ''] = docker('ps', '-q', ...owned(host, 'dyno'));
    const { HostConfig } =
      (JSON.parse(docker('inspect', container).join('')) as { HostConfig: HostConfig }[])[0] ?? {};
    expect(HostConfig?.CapDrop).toEqual(['ALL']);
    expect(HostConfig?.Memory).toBeGreaterThan(512 * 2 ** 20);
    expect(HostConfig?.PidsLimit).toBe(256);
    expect(HostConfig?.NetworkMode).toMatch(/^slipway-[0-9a-f]{8}-app-/);
  });

  it('one-off dynos and commands inside dynos run in the image', async () => {
    expect(await run({ command: 'cat note.txt; echo "$DYNO" "$(stty size)"; exit 3' })).toMatchObject({
      text: /^built apart\r\nrun\.\d{4} 33 91\r\n$/,
      code: 3,
    });
    expect(await run({ command: 'echo "$DYNO $(cat greeting.txt)"', dyno: 'web.1' })).toMatchObject({
      text: 'web.1 hello from an image\r\n',
      code: 0,
    });
  });

  it('is scaled, handed over without a failed request, rolled back, and served on behind a kill -9', async () => {
    await host.client.call('formation.update', { app: 'boxed', updates: [{ type: 'web', quantity: 2 }] });
    await waitFor('two dynos', async () => (await up('boxed')).length === 2);
    const load = startLoad({ routerPort: host.routerPort, app: 'boxed', path: '/', perSecond: PER_SECOND });
    await writeFile(join(folder, 'image-app', 'greeting.txt'), 'second image\n');
    expect((await deployed('boxed', 'image-app')).build.failure).toBeNull();
    await untilAnswer(host, 'boxed', 'second image');
    const back = await host.client.call('releases.rollback', { app: 'boxed' });
    await waitFor('the rollback', async () =>
      (await up('boxed')).every(({ release }) => release === back.version),
    );
    await untilAnswer(host, 'boxed', 'hello from an image');
    const { failed, bodies } = await load.stop();
    expect(failed).toEqual([]);
    expect([...bodies.keys()].sort()).toEqual(['hello from an image', 'second image']);
    const before = (await up('boxed')).map(({ id }) => id).sort();
    await host.kill();
    host = await startHost(env, host.home);
    await untilAnswer(host, 'boxed', 'hello from an image');
    await waitFor('its dynos', async () => (await up('boxed')).length === 2);
    expect((await up('boxed')).map(({ id }) => id).sort()).toEqual(before);
  });

  it('an image that was removed is told with what to do', async () => {
    const { releases } = await host.client.call('releases.list', { app: 'boxed' });
    const second = releases.filter(({ slug }) => slug !== null)[1];
    // Its dynos were shutting down when the engine was killed; Docker gives no image up that a container runs.
    await waitFor(
      'the end of its dynos',
      async () => docker('ps', '-q', ...owned(host, 'dyno')).length === 2,
    );
    docker('rmi', '-f', `sha256:${second?.slug?.sha256 ?? ''}`);
    const { version } = await host.client.call('releases.rollback', {
      app: 'boxed',
      version: second?.version,
    });
    await waitFor('the failure', async () =>
      (await logLines(host, 'boxed')).some((line) =>
        /The Docker image of web \(slipway\/image:.*\) is gone, and only its source could make it again\. Deploy again/.test(
          line,
        ),
      ),
    );
    expect((await get(host.routerPort, 'boxed', '/')).body).toBe('hello from an image');
    const first = releases.at(-1 - 2)?.version;
    expect(version).toBeGreaterThan(first ?? 0);
  });

  it('heroku.yml: several images, build arguments, a release command, set-up', async () => {
    await host.client.call('apps.create', { name: 'shop', stack: 'container' });
    const { build: made, output } = await deployed('shop', 'image-shop');
    expect(made.failure, output).toBeNull();
    expect(output).toContain('Building from heroku.yml');
    expect(output).toContain(`-----> Discovering process types
       web -> python3 -u greeter.py $PORT
       worker -> ./entry.sh ./work.sh "all day"
       clock -> ./work.sh clock (image of worker)
       release -> ./prepare.sh (image of worker)
`);
    expect(output).toContain('heroku.yml asks for the add-ons heroku-postgresql.');
    expect(output).toContain(
      'Running release command....\nentry: /bin/sh -c ./prepare.sh\nprepared with green\n',
    );
    await untilAnswer(host, 'shop', 'shop at the corner');
    const updates = ['worker', 'clock'].map((type) => ({ type, quantity: 1 }));
    await host.client.call('formation.update', { app: 'shop', updates });
    await waitFor('the worker’s line', async () => {
      const text = (await logLines(host, 'shop')).join('\n');
      return (
        text.includes('app[worker.1]: working all day as worker.1') &&
        text.includes('app[clock.1]: working clock as clock.1')
      );
    });
  });

  it('a heroku.yml that cannot be used is told key by key, and a step that fails with its output', async () => {
    await writeFile(
      join(folder, 'image-shop', 'heroku.yml'),
      'build:\n  docker:\n    web: Dockerfile\nrun:\n  web:\n    image: wob\n',
    );
    const wrong = await deployed('shop', 'image-shop');
    expect(wrong.build.failure).toMatchObject({
      code: 'heroku_yml_invalid',
      message: expect.stringContaining(
        '- run.web.image is "wob", which build.docker does not build; it builds web.',
      ) as string,
    });
    await writeFile(
      join(folder, 'image-shop', 'heroku.yml'),
      'build:\n  docker:\n    web: jobs/Dockerfile\n',
    );
    const failing = await deployed('shop', 'image-shop');
    expect(failing.build.failure).toMatchObject({ code: 'compile_failed' });
    expect(failing.output).toMatch(
      /RUN false(.*\n)* !     The command '\/bin\/sh -c false' returned a non-zero code: 1\n !     Push failed/,
    );
    expect((await get(host.routerPort, 'shop', '/')).body).toBe('shop at the corner');
  });

  it('destroyed apps leave nothing', async () => {
    expect(stepTags(host)).not.toEqual([]);
    await host.client.call('builds.purgeCache', { app: 'boxed' });
    for (const app of ['boxed', 'shop']) await host.client.call('apps.destroy', { app, confirm: app });
    expect(allOwned(host)).toEqual([]);
  });

  /** Deploys a copy of a fixture. */
  const deployed = (app: string, name: string) => build(host, app, join(folder, name));

  const run = (order: { command: string; dyno?: string }) => runToEnd(host, { app: 'boxed', ...order });

  async function up(app: string) {
    const { dynos } = await host.client.call('dynos.list', { app });
    return dynos.filter((dyno) => dyno.state === 'up');
  }
});

describe.skipIf(whyNoDocker() !== null)('stacks that are fetched', () => {
  /** Stands for the platform's images on a machine that has none of them; by the names that they get. */
  const standIns = new Map([
    ['heroku/heroku:24', 'slipway-13:packages'],
    ['heroku/heroku:24-build', 'slipway-13-build:packages'],
  ]);
  const made = ['', '-build'].flatMap((kind) =>
    ['latest', 'packages'].map((tag) => `slipway-heroku-24${kind}:${tag}`),
  );
  const added: string[] = [];
  let host: Host;
  let work: WorkFolder;

  beforeAll(async () => {
    await ownStack();
    added.push(...made.filter((name) => !isThere(name)));
    for (const [name, image] of standIns) {
      if (isThere(name)) continue;
      added.push(name);
      docker('tag', image, name);
    }
    host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
    work = await workFolder();
  });
  afterAll(async () => {
    await host.client.call('apps.destroy', { app: 'stacked', confirm: 'stacked' });
    await host.stop();
    await work.remove();
    for (const name of added.filter(isThere)) docker('rmi', name);
  });

  it('an app is built and run on the stack that was chosen last, and its old releases on theirs', async () => {
    const folder = await work.files('app', { Procfile: 'clock: echo "on $STACK"; sleep 1000\n' });
    const buildpack = await work.files('pack', scripts('Any', 'echo "       compiled on $STACK"'));
    await host.client.call('apps.create', { name: 'stacked' });
    await host.client.call('buildpacks.set', { app: 'stacked', buildpacks: [buildpack] });
    const first = await build(host, 'stacked', folder);
    expect(first.output).toContain('       compiled on slipway-13\n');
    await host.client.call('apps.setStack', { app: 'stacked', stack: 'heroku-24' });
    const { build: second, output } = await build(host, 'stacked', folder);
    expect(second.failure, output).toBeNull();
    expect(output).toContain('-----> Building on the Heroku-24 stack\n');
    expect(output).toContain('       compiled on heroku-24\n');
    const { slug } = await host.client.call('releases.get', { app: 'stacked', version: second.release ?? 0 });
    expect(slug?.stack).toBe('heroku-24');
    const updates = [{ type: 'clock', quantity: 1 }];
    await host.client.call('formation.update', { app: 'stacked', updates });
    await untilLogged('on heroku-24');
    await host.client.call('releases.rollback', { app: 'stacked', version: first.build.release ?? 0 });
    await untilLogged('on slipway-13');
  });

  const untilLogged = (text: string): Promise<void> =>
    waitFor(text, async () =>
      (await logLines(host, 'stacked')).some((line) => line.endsWith(`app[clock.1]: ${text}`)),
    );
});

describe('an app that is a Docker image, on plain processes', () => {
  it('is refused with what to do', async () => {
    const host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    try {
      await host.client.call('apps.create', { name: 'boxed', stack: 'container' });
      const { failure } = await deploy(host, 'boxed', join(FIXTURES, 'image-app'));
      expect(failure).toMatchObject({
        code: 'stack_failed',
        message: expect.stringContaining('Install Docker or start it') as string,
      });
    } finally {
      await host.stop();
    }
  });
});

interface HostConfig {
  readonly CapDrop: readonly string[];
  readonly Memory: number;
  readonly PidsLimit: number;
  readonly NetworkMode: string;
}

/** Makes sure of the images that the tests' Dockerfiles and stand-ins are made from. */
async function ownStack(): Promise<void> {
  const daemon = await connectDaemon({ socketPath: null });
  const signal = new AbortController().signal;
  await makeStack('slipway-13', { daemon, owner: 'stack', report: () => undefined, signal });
}

function isThere(image: string): boolean {
  return docker('images', '-q', image).length > 0;
}
