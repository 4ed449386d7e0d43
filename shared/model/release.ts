import * as z from 'zod';

/** The process type whose command runs before a release is in force; it has no dynos of its own (reference: heroku-platform 1.1, 3.11). */
export const RELEASE_TYPE = 'release';

/** Status of a release (reference: heroku-platform 6.2). */
export const ReleaseStatus = z.enum(['pending', 'succeeded', 'failed', 'expired']);
export type ReleaseStatus = z.infer<typeof ReleaseStatus>;

/** A slug: the compiled app, one archive file, or the Docker images in its place. */
export const Slug = z.object({
  id: z.string(),
  /** Lower-case hex of the archive's SHA-256; of images a digest of their ids. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Size of the archive or of the images, in bytes. */
  size: z.number().int().nonnegative(),
  processTypes: z.record(z.string(), z.string()),
  stack: z.string(),
  /** Name that the buildpack's detect printed, for example `Node.js`; of images the file they were built by. */
  language: z.string(),
  /** Commit of the source, when it was a git work tree. */
  commit: z.string().nullable(),
  createdAt: z.string(),
});
export type Slug = z.infer<typeof Slug>;

/** A release: slug + config vars + add-ons, with a version that only grows (reference: heroku-platform 6). Config values are never part of it. */
export const Release = z.object({
  id: z.string(),
  version: z.number().int().positive(),
  description: z.string(),
  status: ReleaseStatus,
  current: z.boolean(),
  slug: Slug.nullable(),
  configNames: z.array(z.string()),
  addons: z.array(z.string()),
  user: z.string(),
  createdAt: z.string(),
  /** Why its dynos never came up, so that another release serves; null for one that serves, or did. */
  problem: z.string().nullable(),
  /** Whether `releases.rollback` may take it as a target. */
  eligibleForRollback: z.boolean(),
});
export type Release = z.infer<typeof Release>;
