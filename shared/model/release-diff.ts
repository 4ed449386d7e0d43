import * as z from 'zod';

/** A value before and after; null where there is none. */
const Change = z.object({ from: z.string().nullable(), to: z.string().nullable() });

/** What differs between two releases of an app. Config vars by name only. */
export const ReleaseDiff = z.object({
  from: z.number().int(),
  to: z.number().int(),
  /** Process types whose command differs, with their commands. */
  processTypes: z.array(Change.extend({ type: z.string() })),
  config: z.object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
  }),
  slugBytes: z.object({ from: z.number().int().nullable(), to: z.number().int().nullable() }),
  /** True when both run the same code. */
  sameSlug: z.boolean(),
  commit: Change,
  language: Change,
  stack: Change,
});
export type ReleaseDiff = z.infer<typeof ReleaseDiff>;
