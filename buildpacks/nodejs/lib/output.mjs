/** The build log's forms: a step, detail under it, a warning; and the end of a build that cannot go on. */

/** @param {string} text */
export function stepText(text) {
  return `-----> ${text}\n`;
}

/** @param {string} text */
export function step(text) {
  process.stdout.write(stepText(text));
}

/** @param {string} text */
export function detailText(text) {
  return text.replace(/^(?=.)/gm, '       ').replace(/\n*$/, '\n');
}

/** @param {string} text */
export function detail(text) {
  process.stdout.write(detailText(text));
}

/** @param {string} text */
export function warn(text) {
  process.stdout.write(
    text
      .split('\n')
      .map((line) => ` !     ${line}\n`)
      .join(''),
  );
}

/** Ends the build with a reason that the user reads: what, why, what to do. */
export class BuildError extends Error {}
