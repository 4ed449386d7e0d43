import { describe, expect, it } from 'vitest';
import { type Action, ACTIONS, isActionId } from './actions.ts';

describe('the table of actions', () => {
  const actions: readonly Action[] = ACTIONS;

  it('names each action and each key once', () => {
    const ids = actions.map(({ id }) => id);
    const keys = actions.flatMap(({ accelerator }) => accelerator ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('takes no key that editing text, reloading, closing or quitting needs', () => {
    const taken = ['A', 'C', 'V', 'X', 'Z', 'Shift+Z', 'Y', 'R', 'W', 'Q', 'M', 'H', '0', '+', '-'];
    for (const { accelerator } of actions)
      expect(taken.map((key) => `CmdOrCtrl+${key}`)).not.toContain(accelerator);
  });

  it('knows its own names', () => {
    expect(isActionId('palette.open')).toBe(true);
    expect(isActionId('constructor')).toBe(false);
  });
});
