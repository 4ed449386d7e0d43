import { createHash } from 'node:crypto';

/** Labels on everything that Slipway makes in Docker. `owner` is the data folder's id, so that engines do not touch each other's things. */
export const LABEL = {
  owner: 'io.slipway.owner',
  kind: 'io.slipway.kind',
  app: 'io.slipway.app',
  appName: 'io.slipway.app-name',
  dyno: 'io.slipway.dyno',
  dynoName: 'io.slipway.dyno-name',
  type: 'io.slipway.type',
  release: 'io.slipway.release',
  port: 'io.slipway.port',
  command: 'io.slipway.command',
  /** On a dyno of an image that a Dockerfile made. */
  image: 'io.slipway.image',
  size: 'io.slipway.size',
  slug: 'io.slipway.slug',
  /** Recipe that a stack image was made from. */
  recipe: 'io.slipway.recipe',
  /** Image that a slug image stands on. */
  base: 'io.slipway.base',
  /** Keys of the slug parts in an image, in order, joined by commas. */
  parts: 'io.slipway.parts',
} as const;

/** What a labelled thing is for. */
type Kind =
  | 'dyno'
  | 'run'
  | 'build'
  | 'stack'
  | 'network'
  | 'build-network'
  | 'cache'
  | 'downloads'
  | 'slug'
  | 'layer'
  | 'image'
  | 'staging';

/** Labels of a thing of this engine. */
export function labels(
  owner: string,
  kind: Kind,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { [LABEL.owner]: owner, [LABEL.kind]: kind, ...more };
}

/** Label filter for a list call. */
export function labelFilter(
  owner: string,
  kind?: Kind,
  more: Readonly<Record<string, string>> = {},
): string[] {
  const pairs: Record<string, string> = {
    [LABEL.owner]: owner,
    ...(kind ? { [LABEL.kind]: kind } : {}),
    ...more,
  };
  return Object.entries(pairs).map(([name, value]) => `${name}=${value}`);
}

/** Makes any text fit for Docker's names; texts that have to be changed get a hash, so that two never meet. */
export function dockerName(text: string, maxLength = 40): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9_.-]/g, '-');
  if (plain === text && plain.length <= maxLength && plain !== '') return plain;
  return `${plain.slice(0, maxLength - 9)}-${shortHash(text)}`;
}

/** Eight hex digits that stand for a text. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** Name of a thing: `slipway-<owner>-<what>`, one for each data folder. */
export function ownedName(owner: string, what: string): string {
  return `slipway-${shortHash(owner)}-${dockerName(what, 80)}`;
}

/** Tag of the image that dynos of a slug start from. */
export function slugImage(owner: string, slugId: string): string {
  return `slipway/slug:${shortHash(owner)}-${dockerName(slugId, 80)}`;
}

/** Where the images of releases are, and the steps on the way to them. */
export const IMAGES = 'slipway/image';
export const STEPS = 'slipway/step';

/** Tag of the image of a process type that was built with a Dockerfile. */
export function releaseImage(owner: string, slugId: string, type: string): string {
  return `${releaseImages(owner, slugId)}${dockerName(type, 40)}`;
}

/** What the tags of all images of a slug begin with. */
export function releaseImages(owner: string, slugId: string): string {
  return `${IMAGES}:${shortHash(owner)}-${dockerName(slugId, 60)}.`;
}

/** What the tags of steps on the way to images begin with: those of an engine, an app, or one build of it. */
export function stepImages(owner: string, appId?: string, slugId?: string): string {
  const ofApp = appId === undefined ? '' : `${dockerName(appId, 60)}.`;
  return `${STEPS}:${shortHash(owner)}-${ofApp}${slugId === undefined ? '' : `${shortHash(slugId)}-`}`;
}

/** Tag of an image that holds the leading parts of slugs; `prefix` is a hash over their keys. */
export function layerImage(owner: string, prefix: string): string {
  return `slipway/layer:${shortHash(owner)}-${prefix}`;
}
