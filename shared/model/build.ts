import * as z from 'zod';

/** Steps of a deploy, in order; the UI's timeline and the build's log follow them. */
export const BUILD_PHASES = [
  'source',
  'stack',
  'detect',
  'compile',
  'types',
  'pack',
  'release',
  'launch',
] as const;
export const BuildPhaseName = z.enum(BUILD_PHASES);
export type BuildPhaseName = z.infer<typeof BuildPhaseName>;

/** Why a build ended without a release; stable, one or more for each phase. */
export const BUILD_FAILURES = [
  'source_missing',
  'source_not_a_folder',
  'source_unreadable',
  'source_empty',
  'source_too_large',
  'source_unsafe',
  'stack_failed',
  'config_missing',
  'buildpack_unavailable',
  'no_buildpack',
  'detect_failed',
  'compile_failed',
  'compile_timeout',
  'procfile_invalid',
  'heroku_yml_invalid',
  'dockerfile_missing',
  'slug_too_large',
  'pack_failed',
  'release_failed',
  'postdeploy_failed',
  'launch_failed',
  'disk_full',
  'cancelled',
  'interrupted',
  'internal',
] as const;
export const BuildFailureCode = z.enum(BUILD_FAILURES);
export type BuildFailureCode = z.infer<typeof BuildFailureCode>;

/** One step of a deploy. */
export const BuildPhase = z.object({
  name: BuildPhaseName,
  state: z.enum(['waiting', 'running', 'done', 'failed', 'skipped']),
  /** Milliseconds; absent until it ended. */
  durationMs: z.number().nonnegative().optional(),
});
export type BuildPhase = z.infer<typeof BuildPhase>;

/** A deploy from source to running dynos. `status` speaks of the build, as on the platform; `phases` go on to `launch`. */
export const Build = z.object({
  id: z.string(),
  app: z.string(),
  status: z.enum(['pending', 'succeeded', 'failed']),
  phases: z.array(BuildPhase),
  /** Version of the release that it made. */
  release: z.number().int().nullable(),
  failure: z.object({ code: BuildFailureCode, message: z.string() }).nullable(),
  createdAt: z.string(),
  /** When the last phase ended. */
  finishedAt: z.string().nullable(),
});
export type Build = z.infer<typeof Build>;

/** Largest compressed slug, in bytes, and the size from which a warning is printed (reference: heroku-platform 2.6). */
export const SLUG_MAX_BYTES = 500 * 1024 * 1024;
export const SLUG_WARN_BYTES = 300 * 1024 * 1024;
/** Largest source tree, in bytes before compression (reference: heroku-platform 2.6). */
export const SOURCE_MAX_BYTES = 1024 * 1024 * 1024;
