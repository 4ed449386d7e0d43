import type { Handlers } from '#shared/contract/contract.ts';
import { listFolders } from '../source/folders.ts';
import type { Samples } from '../source/samples.ts';
import type { Sources } from '../source/sources.ts';

/** Handlers of what is asked before a deploy. */
export function sourceHandlers(systems: {
  readonly sources: Sources;
  readonly samples: Samples;
}): Pick<Handlers, 'sources.inspect' | 'sources.folders' | 'samples.list'> {
  return {
    'sources.inspect': ({ source, ...more }) => systems.sources.inspect(source, more),
    'sources.folders': ({ path }) => listFolders(path),
    'samples.list': async () => ({ samples: await systems.samples.list() }),
  };
}
