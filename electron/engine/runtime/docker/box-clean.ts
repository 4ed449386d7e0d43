import type { BuildBox } from '../runtime.ts';
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

/** Makes the folders of a build. @param copies commands that put buildpacks into their places */
export function setUpScript({ buildDir, envDir }: BuildBox, clearCache: boolean, copies: string): string {
  const clear = clearCache ? 'chmod -R u+w /tmp/cache; rm -rf /tmp/cache; mkdir /tmp/cache || exit' : '';
  return `${clear}\nmkdir -p ${buildDir} ${envDir} || exit\n${copies}`;
}
