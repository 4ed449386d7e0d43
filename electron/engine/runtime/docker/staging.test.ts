import { expect, test } from 'vitest';
import {
  buildSlug,
  freshId,
  never,
  openBox,
  outputOf,
  packed,
  script,
  slugOf,
  sourceTar,
} from '../../../../test/runtime-contract/world.ts';
import { type DockerRuntime } from './docker-runtime.ts';
import { listImages, removeImage } from './images.ts';
import { LABEL, labelFilter, slugImage } from './names.ts';
import { dockerTests, leftOf, LIMIT } from './testing.ts';

await dockerTests('staging on Docker', ({ daemon, open }) => {
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
});

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
