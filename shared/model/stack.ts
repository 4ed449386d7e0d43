import * as z from 'zod';

/**
 * What apps can be built and run on (reference: heroku-platform 1.4, 2.6). `slipway-13` is made on this machine, `heroku-24` and
 * `heroku-22` are fetched. `container`: the source says by `heroku.yml`, or by a Dockerfile, which Docker images to build. `cnb`: Cloud
 * Native Buildpacks of a builder image make one.
 */
export const STACKS = ['slipway-13', 'heroku-24', 'heroku-22', 'container', 'cnb'] as const;
export const StackName = z.enum(STACKS);
export type StackName = z.infer<typeof StackName>;

/** Stack of new apps. */
export const DEFAULT_STACK: StackName = 'slipway-13';

/** Stack of apps whose source builds Docker images. */
export const CONTAINER_STACK: StackName = 'container';

/** Stack of apps that Cloud Native Buildpacks build. */
export const CNB_STACK: StackName = 'cnb';

/** Whether builds on a stack make Docker images and no slug archive. */
export function makesImages(stack: string): boolean {
  return stack === CONTAINER_STACK || stack === CNB_STACK;
}
