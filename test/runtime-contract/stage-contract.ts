import type { Runtime } from '#engine/runtime/runtime.ts';
import { findSize } from '#shared/model/size.ts';
import { expect, test } from 'vitest';
import { APP } from './dyno-contract.ts';
import { addressOf, read } from './reach.ts';
import { slugAndExits } from './set-up.ts';
import type { ContractContext } from './suite.ts';
import { buildSlug, freshId, LIMIT, never, Output, outputOf, type TestSlug, until } from './world.ts';

/** Promises about what is made ready before dynos start: staged slugs, and places. */
export function stageContract(context: ContractContext): void {
  const { world, app } = context;
  const { slug, exits } = slugAndExits(context, APP);

  const placeFor = (of: TestSlug) => {
    const size = findSize('Standard-1X');
    if (size === undefined) throw new Error('no size Standard-1X');
    return { id: freshId('dyno'), appId: of.appId, appName: 'contract-app', slug: of, size };
  };
  const named = { name: 'worker.7', type: 'worker', release: 4 };

  test(
    'a reserved place is no dyno; started, it is whatever dyno has its id, for the next engine as well',
    async () => {
      const { runtime } = world();
      const entries = [...APP, { name: 'node_modules/a/index.js', content: 'a' }];
      const today = await buildSlug(runtime, app(), entries);
      await runtime.stage(today, never);
      const place = placeFor(today);
      await runtime.reserveDyno(place);
      expect((await runtime.listDynos()).map((each) => each.id)).not.toContain(place.id);
      expect((await runtime.memoryOf()).has(place.id)).toBe(false);
      const next = await buildSlug(runtime, today.appId, [...entries, { name: 'new.txt', content: 'new' }]);
      const before = Date.now();
      const command = 'cat new.txt node_modules/a/index.js; exec perl listen.pl';
      const env = { DYNO: 'worker.7', CONFIG: 'it\'s "c"', PORT: '1', HOME: '/nowhere' };
      await runtime.stage(next, never);
      const dyno = await runtime.startDyno({ ...place, ...named, slug: next, command, env });
      using output = new Output(runtime, dyno.id);
      await until('the dyno to listen', () => runtime.isListening(dyno));
      expect(await read(addressOf(dyno.address))).toBe('I am worker.7');
      await until('its output', () => output.text().includes('listening'));
      expect(output.text()).toBe('newalistening\n');
      expect(dyno).toMatchObject({ ...named, id: place.id, command, exit: null });
      expect(dyno.startedAt).toBeGreaterThan(before - 1_000);
      const later = await world().reopen();
      const found = (await later.listDynos()).find((each) => each.id === place.id);
      expect(found).toEqual({ ...dyno, startedAt: found?.startedAt });
      expect(found?.startedAt).toBeGreaterThan(before - 1_000);
      await later.close();
      await runtime.removeDyno(place.id);
      expect((await runtime.listDynos()).map((each) => each.id)).not.toContain(place.id);
    },
    LIMIT,
  );

  test(
    'a place whose slug began otherwise is given up, and its end is not that of the dyno',
    async () => {
      const { runtime } = world();
      const today = await buildSlug(runtime, app(), [
        ...APP,
        { name: 'node_modules/a/index.js', content: 'a' },
      ]);
      await runtime.stage(today, never);
      const place = placeFor(today);
      await runtime.reserveDyno(place);
      const next = await buildSlug(runtime, today.appId, [
        ...APP,
        { name: 'node_modules/a/index.js', content: 'b\n' },
      ]);
      const command = 'cat node_modules/a/index.js; exec sleep 600';
      await runtime.stage(next, never);
      const dyno = await runtime.startDyno({ ...place, ...named, slug: next, command, env: {} });
      using output = new Output(runtime, dyno.id);
      await until('its output', () => output.text() === 'b\n');
      expect(exits.filter((exit) => exit.id === place.id)).toEqual([]);
      await runtime.removeDyno(place.id);
    },
    LIMIT,
  );

  test(
    'a place that nobody needs goes without a trace',
    async () => {
      const { runtime } = world();
      const entries = [...APP, { name: 'node_modules/a/index.js', content: 'a' }];
      const of = await buildSlug(runtime, app(), entries);
      await runtime.stage(of, never);
      const place = placeFor(of);
      await runtime.reserveDyno(place);
      await runtime.removeDyno(place.id);
      await runtime.removeDyno(place.id);
      expect((await runtime.listDynos()).map((each) => each.id)).not.toContain(place.id);
      expect(exits.filter((exit) => exit.id === place.id)).toEqual([]);
    },
    LIMIT,
  );

  test(
    'stage reads an archive once, also when asked twice at a time, and again after unstage',
    async () => {
      const { runtime } = world();
      const own = await buildSlug(runtime, slug().appId, [{ name: 'own.txt', content: freshId('content') }]);
      await Promise.all([runtime.stage(own, never), runtime.stage(own, never)]);
      const once = own.opened;
      expect(once).toBeGreaterThan(0);
      await runtime.stage(own, never);
      expect(own.opened).toBe(once);
      await runtime.unstage(own.id);
      await runtime.unstage(own.id);
      await runtime.stage(own, never);
      expect(own.opened).toBeGreaterThan(once);
      await runtime.unstage(own.id);
    },
    LIMIT,
  );

  test(
    'an archive from elsewhere, as one part, is staged',
    async () => {
      const { runtime } = world();
      const whole: TestSlug = {
        ...slug(),
        id: freshId('slug'),
        parts: [{ key: slug().sha256, offset: 0, length: slug().archive.length }],
      };
      expect((await outputOf(runtime, { slug: whole, command: 'cat data.txt' })).text()).toBe('original');
      await runtime.unstage(whole.id);
    },
    LIMIT,
  );

  test(
    'a broken archive is an error that names the slug, and nothing half made stays',
    async () => {
      const { runtime } = world();
      const broken = await cutSlug(runtime, slug().appId);
      await expect(runtime.stage(broken, never)).rejects.toMatchObject({ name: 'RuntimeError' });
      await expect(runtime.stage(broken, never)).rejects.toThrow(broken.id);
    },
    LIMIT,
  );
}

/** A slug whose archive ends in the middle. */
async function cutSlug(runtime: Runtime, appId: string): Promise<TestSlug> {
  const slug = await buildSlug(runtime, appId, [{ name: 'text', content: freshId('x').repeat(500) }]);
  const archive = slug.archive.subarray(0, Math.floor(slug.archive.length / 2));
  const { Readable } = await import('node:stream');
  return {
    ...slug,
    archive,
    parts: [{ key: freshId('cut'), offset: 0, length: archive.length }],
    open: () => Readable.from([archive]),
  };
}
