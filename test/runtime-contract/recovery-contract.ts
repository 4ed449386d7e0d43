import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DynoExit, Runtime } from '#engine/runtime/runtime.ts';
import { APP } from './dyno-contract.ts';
import type { ContractContext } from './suite.ts';
import {
  buildSlug,
  freshId,
  LIMIT,
  never,
  openBox,
  Output,
  script,
  startDyno,
  type TestSlug,
  until,
} from './world.ts';

/** Promises about what outlives an engine, and about leaving nothing behind. */
export function recoveryContract({ world, app }: ContractContext): void {
  let slug: TestSlug;
  beforeAll(async () => {
    slug = await buildSlug(world().runtime, app(), APP);
  }, LIMIT);
  afterAll(async () => {
    await world().runtime.destroyApp(slug.appId, [slug.id]);
  }, LIMIT);

  const reopened = async () => {
    const runtime = await world().reopen();
    const exits: DynoExit[] = [];
    const subscription = runtime.onExit((exit) => exits.push(exit));
    const dispose = async (): Promise<void> => {
      subscription[Symbol.dispose]();
      await runtime.close();
    };
    return { runtime, exits, [Symbol.asyncDispose]: dispose };
  };
  const exitOf = async (exits: DynoExit[], id: string): Promise<DynoExit | undefined> => {
    await until(`the end of ${id}`, () => exits.some((exit) => exit.id === id));
    return exits.find((exit) => exit.id === id);
  };

  test(
    'the next engine finds running dynos as they were, reaches them and reads their output',
    async () => {
      const dyno = await startDyno(world().runtime, { slug, command: 'exec perl listen.pl', name: 'web.5' });
      await using next = await reopened();
      const found = (await next.runtime.listDynos()).find((each) => each.id === dyno.id);
      expect(found).toEqual({ ...dyno, startedAt: found?.startedAt });
      if (found === undefined) throw new Error('not found');
      await until('the dyno to listen', () => next.runtime.isListening(found));
      using output = new Output(next.runtime, dyno.id);
      await until('its line', () => output.text() === 'listening\n');
      await next.runtime.removeDyno(dyno.id);
      await output.ended;
      expect(await ids(next.runtime)).not.toContain(dyno.id);
    },
    LIMIT,
  );

  test(
    'the next engine is told how adopted dynos end',
    async () => {
      const loop = 'while :; do sleep 0.1; done';
      const coded = await startDyno(world().runtime, {
        slug,
        command: `trap 'exit 21' TERM; echo ready; ${loop}`,
      });
      const killed = await startDyno(world().runtime, { slug, command: 'exec sleep 600', name: 'web.2' });
      await using next = await reopened();
      expect(await ids(next.runtime)).toEqual(expect.arrayContaining([coded.id, killed.id]));
      await next.runtime.signalDyno(killed.id, 'SIGKILL');
      expect((await exitOf(next.exits, killed.id))?.code).toBe(137);
      using output = new Output(next.runtime, coded.id);
      await until('the trap', () => output.text() === 'ready\n');
      await next.runtime.signalDyno(coded.id, 'SIGTERM');
      expect((await exitOf(next.exits, coded.id))?.code).toBe(21);
      for (const { id } of [coded, killed]) await next.runtime.removeDyno(id);
    },
    LIMIT,
  );

  test(
    'the next engine sees dynos that ended while there was none, with their code, and their output',
    async () => {
      const dyno = await startDyno(world().runtime, { slug, command: 'echo last words; exit 5' });
      {
        using output = new Output(world().runtime, dyno.id);
        await output.ended;
      }
      await using next = await reopened();
      const find = async () => (await next.runtime.listDynos()).find((each) => each.id === dyno.id);
      await until('the exit', async () => (await find())?.exit != null);
      expect(await find()).toMatchObject({
        id: dyno.id,
        name: 'web.1',
        address: null,
        exit: { code: 5, outOfMemory: false },
      });
      using output = new Output(next.runtime, dyno.id);
      await output.ended;
      expect(output.text()).toBe('last words\n');
      await next.runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );

  test(
    'a position of the engine before goes on without loss or repeat',
    async () => {
      const command = `trap 'echo two; exit 0' TERM; echo one; while :; do sleep 0.1; done`;
      const dyno = await startDyno(world().runtime, { slug, command });
      const before = new Output(world().runtime, dyno.id);
      await until('the first line', () => before.text() === 'one\n');
      const position = before.pieces.at(-1)?.position;
      before[Symbol.dispose]();
      await using next = await reopened();
      using after = new Output(next.runtime, dyno.id, position);
      await next.runtime.signalDyno(dyno.id, 'SIGTERM');
      await after.ended;
      expect(after.text()).toBe('two\n');
      await next.runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );

  test(
    'close leaves dynos running',
    async () => {
      const dyno = await startDyno(world().runtime, { slug, command: 'exec sleep 600' });
      const first = await world().reopen();
      await first.listDynos();
      await first.close();
      await using next = await reopened();
      const found = (await next.runtime.listDynos()).find((each) => each.id === dyno.id);
      expect(found?.exit).toBeNull();
      await next.runtime.removeDyno(dyno.id);
    },
    LIMIT,
  );

  test(
    'destroyApp leaves no dyno, no cache and no staged slug, and may be called again',
    async () => {
      const { runtime } = world();
      const doomed = await appWithEverything(runtime, app());
      const bystander = await appWithEverything(runtime, app());
      await runtime.destroyApp(doomed.slug.appId, [doomed.slug.id]);
      await runtime.destroyApp(doomed.slug.appId, [doomed.slug.id]);
      const alive = await ids(runtime);
      expect(alive).not.toContain(doomed.dyno);
      expect(alive).toContain(bystander.dyno);
      expect(await cacheOf(runtime, doomed.slug.appId)).toBe('');
      expect(await cacheOf(runtime, bystander.slug.appId)).toBe('kept\n');
      expect(await stagedAgain(runtime, doomed.slug)).toBe(true);
      expect(await stagedAgain(runtime, bystander.slug)).toBe(false);
      for (const each of [doomed, bystander]) await runtime.destroyApp(each.slug.appId, [each.slug.id]);
    },
    LIMIT,
  );

  test(
    'sweep removes what belongs to nothing known and keeps the rest',
    async () => {
      const { runtime } = world();
      const known = await appWithEverything(runtime, app());
      const unknown = await appWithEverything(runtime, app());
      await runtime.removeDyno(unknown.dyno);
      const left = await openBox(runtime, unknown.slug.appId);
      await script(left, 'echo half made > file');
      await using next = await reopened();
      const keep = { appIds: [known.slug.appId, slug.appId], slugIds: [known.slug.id, slug.id] };
      await next.runtime.sweep(keep);
      await next.runtime.sweep(keep);
      expect(await ids(next.runtime)).toContain(known.dyno);
      expect(await cacheOf(next.runtime, known.slug.appId)).toBe('kept\n');
      expect(await stagedAgain(next.runtime, known.slug)).toBe(false);
      expect(await stagedAgain(next.runtime, unknown.slug)).toBe(true);
      expect(await cacheOf(next.runtime, unknown.slug.appId)).toBe('');
      await left.close();
      for (const each of [known, unknown]) await next.runtime.destroyApp(each.slug.appId, [each.slug.id]);
    },
    LIMIT,
  );

  test(
    'cleanUp removes caches, downloads and staged slugs that nobody uses, and disturbs no dyno and no build',
    async () => {
      const { runtime } = world();
      const idle = await appWithEverything(runtime, app());
      const kept = await appWithEverything(runtime, app());
      const running = await appWithEverything(runtime, app());
      for (const each of [idle, kept]) await runtime.removeDyno(each.dyno);
      const built = app();
      const box = await openBox(runtime, built);
      const paths = { CACHE: box.cacheDir, DOWNLOADS: box.env['SLIPWAY_DOWNLOADS'] ?? '' };
      const fill =
        'head -c 3000000 /dev/zero > "$CACHE/file"; echo tool > "$DOWNLOADS/file"; echo half > file';
      expect((await script(box, fill, paths)).code).toBe(0);
      const before = await sizes(runtime);
      expect(before['Build caches']).toBeGreaterThan(3_000_000);
      expect(before['Downloads']).toBeGreaterThan(0);
      expect(before['Slugs ready to run']).toBeGreaterThan(0);

      const keep = { slugIds: [kept.slug.id] };
      await runtime.cleanUp(keep);
      expect(await script(box, 'wc -c < "$CACHE/file"; cat "$DOWNLOADS/file" file', paths)).toEqual({
        ...{ code: 0, output: '3000000\ntool\nhalf\n' },
      });
      await box.close();
      expect(await ids(runtime)).toContain(running.dyno);
      expect(await cacheOf(runtime, idle.slug.appId)).toBe('');
      expect(await stagedAgain(runtime, running.slug)).toBe(false);
      expect(await stagedAgain(runtime, kept.slug)).toBe(false);
      expect(await stagedAgain(runtime, idle.slug)).toBe(true);

      const [, next] = await Promise.all([runtime.cleanUp(keep), openBox(runtime, built)]);
      const look = 'ls "$CACHE" "$DOWNLOADS"; touch "$CACHE/new" "$DOWNLOADS/new"';
      expect(await script(next, look, paths)).toMatchObject({
        code: 0,
        output: expect.not.stringContaining('file'),
      });
      await next.close();
      expect((await sizes(runtime))['Build caches']).toBeLessThan(3_000_000);
      for (const each of [idle, kept, running]) await runtime.destroyApp(each.slug.appId, [each.slug.id]);
    },
    LIMIT,
  );
}

/** Bytes of each removable part, by name. */
async function sizes(runtime: Runtime): Promise<Record<string, number>> {
  const parts = await runtime.diskUse();
  return Object.fromEntries(parts.flatMap((part) => (part.removable ? [[part.name, part.bytes]] : [])));
}

async function ids(runtime: Runtime): Promise<string[]> {
  return (await runtime.listDynos()).map((dyno) => dyno.id);
}

/** An app with a cache, a staged slug and a running dyno. */
async function appWithEverything(runtime: Runtime, appId: string): Promise<{ slug: TestSlug; dyno: string }> {
  const slug = await buildSlug(runtime, appId, [{ name: 'own.txt', content: freshId('content') }]);
  const box = await openBox(runtime, appId);
  await script(box, 'echo kept > "$CACHE/file"', { CACHE: box.cacheDir });
  await box.close();
  const { id } = await startDyno(runtime, { slug, command: 'exec sleep 600' });
  return { slug, dyno: id };
}

/** What `appWithEverything` left in the app's cache. */
async function cacheOf(runtime: Runtime, appId: string): Promise<string> {
  const box = await openBox(runtime, appId);
  try {
    return (await script(box, 'cat "$CACHE/file" 2>/dev/null', { CACHE: box.cacheDir })).output;
  } finally {
    await box.close();
  }
}

/** Stages a slug and tells whether its archive had to be read for that. */
async function stagedAgain(runtime: Runtime, slug: TestSlug): Promise<boolean> {
  const before = slug.opened;
  await runtime.stage(slug, never);
  return slug.opened > before;
}
