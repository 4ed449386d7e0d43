import { isMac } from '../state/host.ts';

const MAC: Readonly<Record<string, string>> = { CmdOrCtrl: '⌘', Shift: '⇧', Alt: '⌥' };
const OTHERS: Readonly<Record<string, string>> = { CmdOrCtrl: 'Ctrl' };

/** Keys as this system writes them. */
export function keyText(keys: string): string {
  if (!keys.includes('+'))
    return keys
      .split(' ')
      .map((key) => key.toUpperCase())
      .join(' then ');
  const names = isMac ? MAC : OTHERS;
  return keys
    .split('+')
    .map((key) => names[key] ?? key)
    .join(isMac ? '' : '+');
}
