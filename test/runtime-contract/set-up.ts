import type { DynoExit } from '#engine/runtime/runtime.ts';
import { afterAll, beforeAll } from 'vitest';
import type { ContractContext } from './suite.ts';
import { buildSlug, LIMIT, never, type SourceEntry, type TestSlug } from './world.ts';

/** Builds and stages a slug before the tests of a group and destroys its app behind them; only in tests the slug is there. */
export function stagedSlug({ world, app }: ContractContext, source: readonly SourceEntry[]): () => TestSlug {
  let slug: TestSlug;
  beforeAll(async () => {
    slug = await buildSlug(world().runtime, app(), source);
    await world().runtime.stage(slug, never);
  }, LIMIT);
  afterAll(async () => {
    await world().runtime.destroyApp(slug.appId, [slug.id]);
  }, LIMIT);
  return () => slug;
}

/** Builds a slug before the tests of a group, and notes all dynos that end during them. */
export function slugAndExits(
  { world, app }: ContractContext,
  source: readonly SourceEntry[],
): { readonly slug: () => TestSlug; readonly exits: readonly DynoExit[] } {
  let slug: TestSlug;
  let subscription: Disposable;
  const exits: DynoExit[] = [];
  beforeAll(async () => {
    const { runtime } = world();
    slug = await buildSlug(runtime, app(), source);
    subscription = runtime.onExit((exit) => exits.push(exit));
  }, LIMIT);
  afterAll(() => {
    subscription[Symbol.dispose]();
  });
  return { slug: () => slug, exits };
}
