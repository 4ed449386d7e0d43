import { appNameFrom, generateAppName } from '#shared/model/names.ts';

const MAX_LENGTH = 30;

/**
 * A name for a new app that is valid and not taken: made from a text, with a number behind it when that is taken; a
 * generated one when the text gives none.
 */
export function suggestName(text: string, isTaken: (name: string) => boolean, random: () => number): string {
  const wanted = appNameFrom(text);
  if (wanted === null) {
    for (;;) {
      const name = generateAppName(random);
      if (!isTaken(name)) return name;
    }
  }
  for (let number = 1; ; number += 1) {
    const end = number === 1 ? '' : `-${number}`;
    const name = `${wanted.slice(0, MAX_LENGTH - end.length).replace(/-+$/, '')}${end}`;
    if (!isTaken(name)) return name;
  }
}
