import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import tar from 'tar-stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoDocker } from '../../../../test/e2e/support/docker.ts';
import type { BuiltImage } from '../image-orders.ts';
import { connectDaemon, type Daemon } from './daemon.ts';
import { inspectImage, removeImage } from './images.ts';
import { type PrivateRegistry, privateRegistry } from './private-registry.fixture.ts';
import { ReleaseImages } from './release-images.ts';
import { fetchImage } from './stack-base.ts';

const never = new AbortController().signal;
const LOGIN = 'ann:a:secret~?';
const before = process.env['DOCKER_CONFIG'];

describe.skipIf(whyNoDocker() !== null)('images of a private registry, over Docker’s own interface', () => {
  let daemon: Daemon;
  let registry: PrivateRegistry;
  let folder: string;

  beforeAll(async () => {
    daemon = await connectDaemon({ socketPath: null });
    registry = await privateRegistry(LOGIN);
    folder = await mkdtemp(join(tmpdir(), 'slipway-config-'));
    process.env['DOCKER_CONFIG'] = folder;
  });
  afterEach(async () => {
    await removeImage(daemon, registry.image);
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['DOCKER_CONFIG'];
    else process.env['DOCKER_CONFIG'] = before;
    await registry[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('are fetched with the login of this machine, and not without', async () => {
    await settings({});
    expect(await fetchImage(daemon, registry.image, () => undefined, never)).toMatch(/auth/);
    await settings(withLogin());
    expect(await fetchImage(daemon, registry.image, () => undefined, never)).toBeNull();
    expect(await inspectImage(daemon, registry.image)).toMatchObject({ command: ['/none'] });
  });

  it.each([false, true])('can be what a build begins with (BuildKit: %s)', async (buildKit) => {
    await settings({});
    await expect(built(buildKit, `FROM ${registry.image}\n`)).rejects.toMatchObject({ code: 'build_failed' });
    await settings(withLogin());
    const { image, warnings } = await built(buildKit, `FROM ${registry.image}\nCMD ["/other"]\n`);
    expect(image).toMatchObject({ command: ['/other'] });
    expect(warnings).toEqual([]);
  });

  it('do not keep a build from going on when Docker’s settings are broken: it is told once', async () => {
    await settings('{"auths"');
    const { image, warnings } = await built(false, 'FROM scratch\nCOPY Dockerfile /\nCMD ["/one"]\n');
    expect(image).toMatchObject({ command: ['/one'] });
    expect(warnings).toEqual([expect.stringMatching(/^\S+config\.json cannot be used: it is no valid JSON/)]);
  });

  function withLogin(): object {
    return { auths: { [registry.address]: { auth: Buffer.from(LOGIN).toString('base64') } } };
  }

  async function settings(content: string | object): Promise<void> {
    await writeFile(
      join(folder, 'config.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }

  async function built(
    buildKit: boolean,
    dockerfile: string,
  ): Promise<{ image: BuiltImage | undefined; warnings: string[] }> {
    const images = new ReleaseImages(
      { ...daemon, facts: { ...daemon.facts, buildKit } },
      `test-${randomUUID()}`,
    );
    const warnings: string[] = [];
    const context = (): Readable => {
      const pack = tar.pack();
      pack.entry({ name: 'Dockerfile' }, dockerfile);
      pack.finalize();
      return Readable.from(pack as AsyncIterable<Buffer>, { objectMode: false });
    };
    const order = { appId: 'app', slugId: 'slug', args: {}, clearCache: true };
    const bases = [registry.image];
    try {
      const done = await images.build(
        {
          ...order,
          images: [{ type: 'web', context, dockerfile: 'Dockerfile', target: null, bases }],
          onBegin: () => undefined,
          onOutput: () => undefined,
          onWarning: (text) => warnings.push(text),
        },
        never,
      );
      return { image: done.get('web'), warnings };
    } finally {
      await images.sweep({ slugIds: [], appIds: [] });
    }
  }
});
