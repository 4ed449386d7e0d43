import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_FILE } from './kept.mjs';

/**
 * Notes that a build of the same inputs would only take what this one made, for `repeat.sh`.
 * @param {string} buildDir
 * @param {string} cacheDir
 * @param {{ until: number, log: string }} next until when the decision on versions holds, in milliseconds since 1970; what such a build says
 */
export function noteRepeat(buildDir, cacheDir, { until, log }) {
  const inputs = process.env.NODEJS_FINGERPRINT ?? '';
  const key = readFileSync(join(buildDir, KEY_FILE), 'utf8');
  const head = [Math.floor(until / 1000), key, inputs].join('\n');
  writeFileSync(noteFile(cacheDir), `${head}\n${log}`);
}

/** Makes the next build a whole one. @param {string} cacheDir */
export function forgetRepeat(cacheDir) {
  rmSync(noteFile(cacheDir), { force: true });
}

/** @param {string} cacheDir */
function noteFile(cacheDir) {
  return join(cacheDir, 'repeat');
}
