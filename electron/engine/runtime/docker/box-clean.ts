import { randomBytes } from 'node:crypto';
import type { BuildBox } from '../runtime.ts';
import { KEPT_LIST } from './box-listing.ts';
import { LAST_BUILD } from './box-source.ts';

/**
 * Keeps the build folder as the last one and removes everything but the cache and the buildpacks' masters;
 * folders without write permission are opened first. Its last command tells whether all is gone.
 */
export const CLEAN_BOX = `
chmod -R u+rwX ${LAST_BUILD} 2> /dev/null
rm -rf ${LAST_BUILD}
mv /tmp/build_* ${LAST_BUILD} 2> /dev/null
leave() { find /tmp -mindepth 1 -maxdepth 1 ! -name cache ! -name .slipway "$@"; find /app -mindepth 1 -maxdepth 1 "$@"; }
leave -exec rm -rf {} + 2> /dev/null
[ -z "$(leave -print -quit)" ] || { leave -exec chmod -R u+rwX {} +; leave -exec rm -rf {} +; }
[ -z "$(leave -print -quit)" ]`;

/** Where a build works. */
export type BuildFolders = Pick<BuildBox, 'buildDir' | 'envDir'>;

/** Names for the folders of a build, as the platform has them: other ones each time (reference: heroku-platform 2.3). */
export function nameFolders(): BuildFolders {
  const mark = randomBytes(4).toString('hex');
  return { buildDir: `/tmp/build_${mark}`, envDir: `/tmp/env_${mark}` };
}

/** Makes folders that are not there. */
export function makeFolders(...folders: readonly string[]): string {
  const there = folders.map((folder) => `[ -d ${folder} ]`).join(' && ');
  return `${there} || mkdir -p ${folders.join(' ')} || exit`;
}

/** Makes the folders of a build, unless they were made ahead. @param copies commands that put buildpacks into their places */
export function setUpScript({ buildDir, envDir }: BuildFolders, clearCache: boolean, copies: string): string {
  const clear = clearCache ? 'chmod -R u+w /tmp/cache; rm -rf /tmp/cache; mkdir /tmp/cache || exit' : '';
  return `${clear}\n: > ${KEPT_LIST}\n${makeFolders(buildDir, envDir)}\n${copies}`;
}
