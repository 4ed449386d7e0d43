import * as z from 'zod';

/**
 * What happens to the old dynos when there is a new release (reference: heroku-platform 3.5).
 * - `seamless`: they serve until the new ones are up; a release that never comes up leaves them serving
 * - `platform`: they are stopped at once, and requests wait for the new ones
 */
export const DeployOrder = z.enum(['seamless', 'platform']);
export type DeployOrder = z.infer<typeof DeployOrder>;

/** Minutes without a request after which an app on Eco dynos sleeps (reference: heroku-platform 3.6). */
export const ECO_SLEEP_MINUTES = 30;

/**
 * How a web dyno is chosen for a request: the platform's way, or the less busy one of two that are drawn
 * (reference: heroku-platform 4.1; the second is ours).
 */
export const DynoChoice = z.enum(['random', 'least-busy-of-two']);
export type DynoChoice = z.infer<typeof DynoChoice>;

/** Image with Cloud Native Buildpacks that apps on stack `cnb` are built with, unless they name another. */
export const DEFAULT_BUILDER = 'heroku/builder:24';

/** Name of a builder image as `docker pull` takes it. */
export const BuilderName = z
  .string()
  .max(500)
  .regex(
    /^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    `a builder is the name of a Docker image, such as ${DEFAULT_BUILDER}`,
  );

/** What a person can set for one app. */
export const AppOptions = z.object({
  /** Whether it is deployed again when a file of its folder is saved. */
  deployOnSave: z.boolean(),
  deployOrder: DeployOrder,
  /** Minutes without a request after which it sleeps; 0 is never, null as its dyno size has it. */
  sleepAfterMinutes: z.number().int().min(0).max(10_080).nullable(),
  /** Whether dynos are told of app, release and slug in HEROKU_ variables, as by a feature of the platform (reference: heroku-platform 3.7). */
  dynoMetadata: z.boolean(),
  /** Whether the router answers every request itself, with the page for maintenance (reference: heroku-platform 4.6). */
  maintenance: z.boolean(),
  /** Whether a client keeps its dyno, by a cookie (reference: heroku-platform 4.1). */
  sessionAffinity: z.boolean(),
  dynoChoice: DynoChoice,
  /** What builds it while its stack is `cnb`. */
  builder: BuilderName,
});
export type AppOptions = z.infer<typeof AppOptions>;

/** How long a crashed dyno waits for its next start: seconds, or minutes to hours as on the platform (reference: heroku-platform 3.3). */
export const RestartPolicyName = z.enum(['short', 'heroku']);
export type RestartPolicyName = z.infer<typeof RestartPolicyName>;

/** Longest build in minutes unless set (reference: heroku-platform 2.6), and the most that can be set. */
export const BUILD_MINUTES = 15;
export const MAX_BUILD_MINUTES = 720;

/** What a person can set for all apps. */
export const EngineOptions = z.object({
  restartPolicy: RestartPolicyName,
  /** Whether every dyno is replaced once a day, as on the platform (reference: heroku-platform 3.2). */
  dailyCycling: z.boolean(),
  /** Longest build, in minutes. */
  buildMinutes: z.number().int().min(1).max(MAX_BUILD_MINUTES),
});
export type EngineOptions = z.infer<typeof EngineOptions>;

/** Engine options with those that a setting of the engine's start holds, so that they cannot be changed now. */
export const EngineOptionsView = EngineOptions.extend({ fixed: z.array(EngineOptions.keyof()) });
export type EngineOptionsView = z.infer<typeof EngineOptionsView>;
