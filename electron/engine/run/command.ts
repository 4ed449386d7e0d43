import type { ProcessTypes } from '#shared/model/procfile.ts';

/**
 * The command that a one-off dyno runs: where the first word is a process type, that type's command stands for it, and what
 * is behind it stays (reference: heroku-platform 1.1).
 */
export function expandCommand(command: string, types: ProcessTypes): string {
  const type = namedType(command, types);
  if (type === null) return command;
  return `${types[type] ?? ''}${command.trimStart().slice(type.length)}`;
}

/** The process type that is the first word of a command, or null. */
export function namedType(command: string, types: ProcessTypes): string | null {
  const word = /^\s*(\S+)/.exec(command)?.[1] ?? '';
  return Object.hasOwn(types, word) ? word : null;
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
