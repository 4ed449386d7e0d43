import { folderBytes } from '../../util/folder-bytes.ts';
import type { RuntimeDiskPart } from '../runtime.ts';
import type { Layout } from './layout.ts';

/** What the process runtime keeps on the disk. */
export async function processDiskUse(layout: Layout, downloads: string): Promise<RuntimeDiskPart[]> {
  const part = async (name: string, paths: string[], removable: boolean): Promise<RuntimeDiskPart> => {
    const sizes = await Promise.all(paths.map(folderBytes));
    return { name, bytes: sizes.reduce((sum, each) => sum + each, 0), removable };
  };
  return Promise.all([
    part('Build caches', [layout.caches], true),
    part('Downloads', [downloads], true),
    part('Slugs ready to run', [layout.parts, layout.slugs], true),
    part('Dynos', [layout.dynos, layout.builds, layout.trash], false),
  ]);
}
