import * as z from 'zod';

/** A fact about the engine's world. Facts name what changed, never what a screen shall do, and hold no secret. */
export const Fact = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('app.created'), app: z.string() }),
  z.object({ kind: z.literal('app.changed'), app: z.string() }),
  z.object({ kind: z.literal('app.destroyed'), app: z.string() }),
  z.object({ kind: z.literal('build.changed'), app: z.string(), build: z.string() }),
  z.object({ kind: z.literal('release.created'), app: z.string(), version: z.number().int() }),
  z.object({ kind: z.literal('release.changed'), app: z.string(), version: z.number().int() }),
  z.object({ kind: z.literal('config.changed'), app: z.string() }),
  z.object({ kind: z.literal('formation.changed'), app: z.string() }),
  z.object({ kind: z.literal('dynos.changed'), app: z.string() }),
  z.object({ kind: z.literal('options.changed') }),
  /** What runs the dynos was lost, or is back. */
  z.object({ kind: z.literal('runtime.changed') }),
]);
export type Fact = z.infer<typeof Fact>;
