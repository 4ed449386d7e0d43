import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { move } from './files.mjs';

/** The first Node.js that finds what it compiled by its place beside the cache, as build folders are others in each build. */
const FIRST = [24, 12];

/**
 * Has Node.js keep what it compiles of package managers, compilers and bundlers for the app's next build. The cache is in the build folder while
 * the build runs, and is not part of the slug. Nothing is done where the app's settings say how.
 * @param {string} buildDir
 * @param {string} cacheDir
 * @param {string} version of Node.js
 * @returns {() => void} puts the cache back; to be called when the build is over
 */
export function borrowCompiled(buildDir, cacheDir, version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < FIRST[0] || (major === FIRST[0] && minor < FIRST[1]);
  if (isOld || process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE)
    return () => undefined;
  const kept = join(cacheDir, 'compiled');
  const place = join(buildDir, '.heroku', 'compiled');
  mkdirSync(join(buildDir, '.heroku'), { recursive: true });
  if (!move(kept, place)) mkdirSync(place, { recursive: true });
  for (const name of readdirSync(place))
    if (!name.startsWith(`v${version}-`)) rmSync(join(place, name), { recursive: true, force: true });
  process.env.NODE_COMPILE_CACHE = place;
  process.env.NODE_COMPILE_CACHE_PORTABLE = '1';
  return () => {
    rmSync(kept, { recursive: true, force: true });
    move(place, kept);
    rmSync(place, { recursive: true, force: true });
  };
}
