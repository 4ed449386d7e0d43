import { type ReactElement, useEffect, useState } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { onOpenRequest } from './commands.ts';
import { keyText } from './key-text.ts';
import css from './palette.module.css';

const SHORTCUTS: readonly (readonly [keys: string, what: string])[] = [
  ['CmdOrCtrl+K', 'Command palette'],
  ['CmdOrCtrl+,', 'Settings'],
  ['CmdOrCtrl+F', 'Find in log'],
  ['CmdOrCtrl+1', 'First app, and so on to 9'],
  ['?', 'This list'],
  ['/', 'Search field of the screen'],
  ['g a', 'Apps'],
  ['g o', 'Overview'],
  ['g l', 'Logs'],
  ['g r', 'Releases'],
  ['g c', 'Config vars'],
  ['g u', 'Routing'],
  ['g t', 'Console'],
  ['g y', 'Activity'],
  ['d', 'Deploy'],
  ['r', 'Restart all dynos'],
  ['s', 'Scale: the first number field'],
  ['f', 'Log: follow on or off'],
  ['p', 'Log: pause'],
  ['t', 'Log: time'],
  ['w', 'Log: wrap'],
  ['End', 'Log: newest line'],
  ['Home', 'Log: oldest line'],
  ['Enter', 'Log: open the selected line'],
  ['F6', 'Messages'],
];

/** The list of shortcuts. */
export function Shortcuts(): ReactElement {
  const [open, setOpen] = useState(false);
  useEffect(
    () =>
      onOpenRequest((what) => {
        if (what === 'shortcuts') setOpen(true);
      }),
    [],
  );
  return (
    <Dialog
      wide
      open={open}
      onClose={() => {
        setOpen(false);
      }}
      title="Keyboard shortcuts"
      description="Single letters can be turned off in Settings."
    >
      <dl className={css['shortcuts']}>
        {SHORTCUTS.map(([keys, what]) => (
          <div key={keys} className={css['shortcut']}>
            <dt>{what}</dt>
            <dd>
              <kbd className={css['keys']}>
                {keys.length > 1 && !keys.includes(' ') && !keys.includes('+') ? keys : keyText(keys)}
              </kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
