import { setTimeout as sleep } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { randomUUID } from 'node:crypto';
import tar from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { whyNoDocker } from '../../../../test/e2e/support/docker.ts';
import type { ImageOrder } from '../image-orders.ts';
import type { SlugRef } from '../runtime.ts';
import { listContainers } from './containers.ts';
import { connectDaemon, type Daemon } from './daemon.ts';
import { inspectImage, listImages, listRepository } from './images.ts';
import { buildLimits } from './limits.ts';
import { labelFilter, shortHash, STEPS } from './names.ts';
import { ReleaseImages } from './release-images.ts';
import { makeStack } from './stack-images.ts';

const never = new AbortController().signal;
const BASE = 'FROM slipway-13:latest\nUSER root\n';

describe.skipIf(whyNoDocker() !== null).each([false, true])(
  'images of releases (BuildKit: %s)',
  (buildKit) => {
    /** Is in every step, so that what BuildKit keeps of them can be found. */
    const mark = randomUUID();
    const owner = `test-${mark}`;
    let daemon: Daemon;
    let images: ReleaseImages;

    beforeAll(async () => {
      const own = await connectDaemon({ socketPath: null });
      await makeStack('slipway-13', { daemon: own, owner: 'stack', report: () => undefined, signal: never });
      daemon = { ...own, facts: { ...own.facts, buildKit } };
      images = new ReleaseImages(daemon, owner);
    });
    afterAll(async () => {
      await images.sweep({ slugIds: [], appIds: [] });
      if (buildKit) await forgetBuildKit();
    });

    it('are built with arguments up to a stage, start as they say, and are known by slug and app', async () => {
      const printed: string[] = [];
      const dockerfile = `${BASE}ARG NAME\nRUN echo "$NAME ${mark}"\nFROM slipway-13:latest AS wanted
ENTRYPOINT ["/bin/echo"]\nCMD ["two words", "$PORT"]\nFROM wanted\nRUN false ${mark}\n`;
      const order = orderOf('one', dockerfile, { args: { NAME: 'corner' }, target: 'wanted' });
      const built = await images.build({ ...order, onOutput: (text) => printed.push(text) }, never);
      const image = built.get('web');
      expect(image).toMatchObject({ entrypoint: ['/bin/echo'], command: ['two words', '$PORT'] });
      expect(image?.bytes).toBeGreaterThan(0);
      // BuildKit leaves stages out that the wanted one does not need.
      if (!buildKit) expect(printed.join('')).toContain(`\ncorner ${mark}\n`);
      expect(printed.join('')).toMatch(/FROM .*slipway-13:latest/);
      expect((await inspectImage(daemon, image?.reference ?? ''))?.id).toBe(image?.id);
      await images.check(slug('one', image ?? { id: '', reference: '' }));
      await images.sweep({ slugIds: ['one'], appIds: ['app'] });
      await images.check(slug('one', image ?? { id: '', reference: '' }));
      await images.remove('one');
      await expect(images.check(slug('one', image ?? { id: '', reference: '' }))).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringMatching(/is gone, and only its source could make it again/) as string,
      });
    });

    it('a step that fails is told in the builder’s words, and a cancelled build leaves neither image nor container', async () => {
      const failing = images.build(orderOf('two', `${BASE}RUN exit 7 # ${mark}\n`), never);
      await expect(failing).rejects.toMatchObject({
        code: 'build_failed',
        message: expect.stringMatching(/7/) as string,
      });
      const stop = new AbortController();
      let printed = '';
      const order = orderOf('three', `${BASE}RUN echo be""gun ${mark}; sleep 600\n`);
      const onOutput = (text: string): void => {
        printed += text;
        if (/^begun/m.test(printed)) stop.abort();
      };
      await expect(images.build({ ...order, onOutput }, stop.signal)).rejects.toMatchObject({
        code: 'cancelled',
      });
      await images.removeApp('app');
      for (let tries = 0; tries < 200 && (await runningSteps()) > 0; tries += 1) await sleep(100);
      expect(await runningSteps()).toBe(0);
      expect(await listImages(daemon, labelFilter(owner))).toEqual([]);
      const steps = (await listRepository(daemon, STEPS)).flatMap(({ tags }) => tags);
      expect(steps.filter((tag) => tag.startsWith(`${STEPS}:${shortHash(owner)}`))).toEqual([]);
    });

    // BuildKit knows no limits.
    if (!buildKit)
      it('run their steps within the limits of builds', async () => {
        const facts = { ...daemon.facts, cpus: 3 };
        const limits = buildLimits({ ...daemon, facts });
        const folder = '/sys/fs/cgroup';
        const step = `cat ${folder}/memory.max ${folder}/cpu.max || cat ${folder}/memory/memory.limit_in_bytes ${folder}/cpu/cpu.cfs_quota_us`;
        const printed: string[] = [];
        const order = orderOf('six', `${BASE}RUN { ${step}; } 2>/dev/null # ${mark}\n`);
        const onOutput = (text: string): unknown => printed.push(text);
        await new ReleaseImages({ ...daemon, facts }, owner).build({ ...order, onOutput }, never);
        expect(printed.join('')).toMatch(
          new RegExp(`^${String(limits.memoryBytes)}\\n200000( 100000)?$`, 'm'),
        );
        await images.remove('six');
      });

    it('two slugs of the same content have one image, which goes with the last of them', async () => {
      const dockerfile = `${BASE}RUN echo ${mark}\nCMD ["true"]\n`;
      const [first, second] = [
        await images.build(orderOf('four', dockerfile), never),
        await images.build(orderOf('five', dockerfile), never),
      ].map((built) => built.get('web'));
      expect(second?.id).toBe(first?.id);
      await images.remove('four');
      await images.check(slug('five', second ?? { id: '', reference: '' }));
      await images.removeApp('app');
      expect(await inspectImage(daemon, first?.id ?? '')).toBeNull();
    });

    function orderOf(
      slugId: string,
      dockerfile: string,
      { args = {}, target = null }: { args?: Record<string, string>; target?: string | null } = {},
    ): ImageOrder {
      const context = (): Readable => {
        const pack = tar.pack();
        pack.entry({ name: 'Dockerfile' }, dockerfile);
        pack.finalize();
        return Readable.from(pack as AsyncIterable<Buffer>, { objectMode: false });
      };
      return {
        ...{ appId: 'app', slugId, args, clearCache: false },
        images: [{ type: 'web', context, dockerfile: 'Dockerfile', target, bases: [] }],
        onBegin: () => undefined,
        onOutput: () => undefined,
        onWarning: () => undefined,
      };
    }

    function slug(id: string, { id: image, reference }: { id: string; reference: string }): SlugRef {
      return {
        ...{ id, appId: 'app', stack: 'container', sha256: '', parts: [] },
        images: { web: { id: image, reference, arguments: null } },
        open: () => Readable.from([]),
        verify: () => Promise.resolve(),
      };
    }

    /** Containers of the older builder that run a step of these tests. */
    async function runningSteps(): Promise<number> {
      const rows = z
        .array(z.object({ Command: z.string() }))
        .parse(await daemon.json({ method: 'GET', path: '/containers/json', ok: [200] }));
      expect(await listContainers(daemon, labelFilter(owner))).toEqual([]);
      return rows.filter(({ Command }) => Command.includes(mark)).length;
    }

    /** Removes what BuildKit keeps of the steps of these tests. */
    async function forgetBuildKit(): Promise<void> {
      const Cache = z.object({
        BuildCache: z.array(z.object({ ID: z.string(), Description: z.string() })).nullish(),
      });
      const { BuildCache } = Cache.parse(await daemon.json({ method: 'GET', path: '/system/df', ok: [200] }));
      for (const { ID } of (BuildCache ?? []).filter(({ Description }) => Description.includes(mark))) {
        const query = { all: true, filters: JSON.stringify({ id: [ID] }) };
        await daemon.json({ method: 'POST', path: '/build/prune', query, ok: [200] });
      }
    }
  },
);
