/** A step of the build log: `-----> Building on …` (reference: heroku-platform 2.5). */
export function step(text: string): string {
  return `-----> ${text}\n`;
}

/** Detail under a step, indented by seven. */
export function detail(text: string): string {
  return text.replace(/^(?=.)/gm, '       ').replace(/\n*$/, '\n');
}

/** A warning or an error: ` !     text`, every line of it. */
export function bang(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? ' !\n' : ` !     ${line}\n`))
    .join('');
}

/** A size as the build log prints it: `36.6M`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)}M`;
}
