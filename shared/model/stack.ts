import * as z from 'zod';

/**
 * What apps can be built and run on (reference: heroku-platform 1.4, 2.6). `container` is none of ours: the source says by
 * `heroku.yml`, or by a Dockerfile, which Docker images to build.
 */
export const STACKS = ['slipway-13', 'heroku-24', 'heroku-22', 'container'] as const;
export const StackName = z.enum(STACKS);
export type StackName = z.infer<typeof StackName>;

/** Stack of new apps. */
export const DEFAULT_STACK: StackName = 'slipway-13';

/** Stack of apps whose source builds Docker images. */
export const CONTAINER_STACK: StackName = 'container';
