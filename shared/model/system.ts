import * as z from 'zod';

/** What Slipway keeps on the disk. */
export const DiskUse = z.object({
  parts: z.array(
    z.object({
      /** Short name for people, for example `Slugs`. */
      name: z.string(),
      bytes: z.number().nonnegative(),
      /** True for what `system.cleanUp` may remove, in part or whole. */
      removable: z.boolean(),
    }),
  ),
  freeBytes: z.number().nonnegative(),
});
export type DiskUse = z.infer<typeof DiskUse>;
