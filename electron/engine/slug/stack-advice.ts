import { CONTAINER_STACK } from '#shared/model/stack.ts';
import type { ProjectSource } from './source.ts';

/** Files by which stack `container` builds a source; the first that is there counts (reference: heroku-platform 1.4). */
const IMAGE_FILES = ['heroku.yml', 'Dockerfile'] as const;

/** A file by which stack `container` builds a source. */
export type ImageFile = (typeof IMAGE_FILES)[number];

/**
 * What to do with a source that buildpacks make nothing of, but Docker would: one paragraph, or null where nothing says how to build an image.
 * @param app that the source is for, or null when there is none yet
 */
export function containerAdvice({ paths }: Pick<ProjectSource, 'paths'>, app: string | null): string | null {
  const file = IMAGE_FILES.find((name) => paths.includes(name));
  if (file === undefined) return null;
  const found = `The source has a ${file}, so Docker can build it:`;
  return app === null
    ? `${found} make the app with \`slipway create NAME --stack ${CONTAINER_STACK}\` and deploy to that, or write "stack": "${CONTAINER_STACK}" into app.json.`
    : `${found} choose the stack ${CONTAINER_STACK} by \`slipway stack:set ${CONTAINER_STACK} --app ${app}\`, or in the app under Options → Stack, and deploy again.`;
}

/** A text with the advice below it, where there is one. */
export function withAdvice(text: string, advice: string | null): string {
  return advice === null ? text : `${text}\n${advice}`;
}
