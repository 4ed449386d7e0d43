import { createHash } from 'node:crypto';
import type { Diagnostics } from '../../util/diagnostics.ts';
import type { SlugRef } from '../runtime.ts';
import { CA_ENVIRONMENT } from './certificates.ts';
import type { Daemon } from './daemon.ts';
import type { ImageFacts } from './images.ts';
import { labels } from './names.ts';
import { imageEnvironment } from './stack-recipe.ts';

/** What staging needs to know. */
export interface StageContext {
  readonly daemon: Daemon;
  readonly owner: string;
  /** Folder for unpacked parts on their way into Docker. */
  readonly folder: string;
  readonly diagnostics: Diagnostics;
  /** The run image of a stack as it is now. */
  readonly base: (stack: string) => Promise<ImageFacts>;
}

/** What is to be made. */
export interface StagePlan extends StageContext {
  readonly slug: SlugRef;
  readonly image: ImageFacts;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What containers of a slug's image start with. */
export function slugConfig(plan: StagePlan): object {
  const env = { ...imageEnvironment(plan.slug.stack), ...CA_ENVIRONMENT };
  return {
    User: '1000:1000',
    WorkingDir: '/app',
    Cmd: ['bash'],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels(plan.owner, 'slug', plan.labels),
  };
}

/** Names of the images that hold the first one, two, … parts, the last part left out. */
export function prefixes(base: string, keys: readonly string[]): string[] {
  const hash = createHash('sha256').update(base);
  return keys.slice(0, -1).map((key) => hash.update(`\0${key}`).copy().digest('hex').slice(0, 24));
}
