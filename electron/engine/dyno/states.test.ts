import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mayEnter, TRANSITIONS } from './states.ts';

const DIAGRAM = join(import.meta.dirname, '..', '..', '..', 'docs', 'DYNOS.md');

test('docs/DYNOS.md draws exactly the transitions that there are', async () => {
  const text = await readFile(DIAGRAM, 'utf8');
  const drawn = [...text.matchAll(/^ {2}(\S+) --> (\S+): (.+)$/gm)].map(([, from, to, why]) => {
    return { from: from?.replace('[*]', 'none'), to: to?.replace('[*]', 'none'), why };
  });
  expect(drawn).toEqual(TRANSITIONS);
});

test('a dyno that crashed or stops never comes back, and no state is a dead end', () => {
  for (const from of ['crashed', 'stopping'] as const) {
    for (const to of ['starting', 'up'] as const) expect(mayEnter(from, to)).toBe(false);
  }
  for (const { to } of TRANSITIONS) expect(TRANSITIONS.some((each) => each.from === to)).toBe(true);
});
