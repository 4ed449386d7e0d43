import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import dockerignore, { type Ignore } from '@balena/dockerignore';
import { BuildFailure } from './failure.ts';
import type { ProjectSource } from './source.ts';

/** The package is the function itself; its types speak of a default export. */
const newFilter = dockerignore as unknown as () => Ignore;

/** The files that one Dockerfile works with. */
export interface BuildContext {
  /** Path of the Dockerfile in them. */
  readonly dockerfile: string;
  /** Files that `.dockerignore` takes away. */
  readonly ignored: number;
  open(): Readable;
}

/**
 * The folder that a Dockerfile is in, without what `.dockerignore` (or `Dockerfile.dockerignore`) names.
 * @throws BuildFailure dockerfile_missing, source_unreadable
 */
export async function contextOf(source: ProjectSource, dockerfile: string): Promise<BuildContext> {
  const folder = posix.dirname(dockerfile);
  const prefix = folder === '.' ? '' : `${folder}/`;
  const name = posix.basename(dockerfile);
  const inside = source.paths.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
  if (!inside.includes(name)) {
    const text = `The source has no file ${dockerfile}, so there is nothing to build an image with.`;
    throw new BuildFailure(
      'dockerfile_missing',
      `${text} Add it, or name another one in heroku.yml; what .gitignore or .slugignore names is not part of the source.`,
    );
  }
  const rules =
    (await source.readFile(`${prefix}${name}.dockerignore`)) ??
    (await source.readFile(`${prefix}.dockerignore`));
  const filter = newFilter().add((rules?.toString('utf8') ?? '').split(/\r?\n/));
  const kept = inside.filter((path) => path === name || !filter.ignores(path));
  return {
    ...{ dockerfile: name, ignored: inside.length - kept.length },
    open: () => {
      const { tar, done } = source.openTar({ folder, paths: kept });
      done.catch((error: unknown) => tar.destroy(error instanceof Error ? error : undefined));
      return tar;
    },
  };
}
