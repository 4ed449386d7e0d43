import type { ProcessTypes } from '#shared/model/procfile.ts';

/**
 * The command that a one-off dyno runs: where the first word is a process type, that type's command stands for it, and what
 * is behind it stays (reference: heroku-platform 1.1).
 */
export function expandCommand(command: string, types: ProcessTypes): string {
  const [, word = '', rest = ''] = /^\s*(\S+)([^]*)$/.exec(command) ?? [];
  const type = Object.hasOwn(types, word) ? types[word] : undefined;
  return type === undefined ? command : `${type}${rest}`;
}

const FIRST = 1_000;
const NAMES = 9_000;

/**
 * A name for a one-off dyno: `run.` and four digits that no other has (reference: heroku-platform 3.10).
 * @param random in [0, 1)
 * @returns null when all are taken
 */
export function pickRunName(taken: ReadonlySet<string>, random: number): string | null {
  const start = Math.floor(random * NAMES);
  for (let tries = 0; tries < NAMES; tries += 1) {
    const name = `run.${FIRST + ((start + tries) % NAMES)}`;
    if (!taken.has(name)) return name;
  }
  return null;
}
