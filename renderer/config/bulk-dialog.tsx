import { type ReactElement, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import panel from '../ui/panel.module.css';
import { count } from '../ui/words.ts';
import { envChange, formatEnv, parseEnv } from './env-text.ts';
import css from './config-screen.module.css';

/** All vars as the text of a `.env` file, with what would change before it does. */
export function BulkDialog(props: {
  readonly vars: Readonly<Record<string, string>>;
  readonly onApply: (change: Readonly<Record<string, string | null>>) => Promise<boolean>;
  readonly onClose: () => void;
}): ReactElement {
  const [text, setText] = useState(() => formatEnv(props.vars));
  const [busy, setBusy] = useState(false);
  const parsed = parseEnv(text);
  const change = envChange(props.vars, parsed.vars);
  const names = Object.keys(change).sort();
  return (
    <Dialog
      open
      wide
      onClose={props.onClose}
      title="Edit config vars"
      description="One NAME=value on each line, as in a .env file. Apply makes one release."
      actions={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            look="main"
            disabled={busy || names.length === 0}
            onClick={() => {
              setBusy(true);
              void props.onApply(change).then((applied) => {
                setBusy(false);
                if (applied) props.onClose();
              });
            }}
          >
            {names.length === 0 ? 'No changes' : `Apply ${count(names.length, 'change')}`}
          </Button>
        </>
      }
    >
      <textarea
        className={`${panel['field']} ${css['bulk']} mono`}
        aria-label="Config vars as text"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
        }}
      />
      <ul className={css['preview']} aria-label="Changes">
        {names.map((name) => {
          const kind = change[name] === null ? 'remove' : Object.hasOwn(props.vars, name) ? 'change' : 'add';
          return (
            <li key={name} data-kind={kind}>
              {kind} <code>{name}</code>
            </li>
          );
        })}
        {parsed.problems.map(({ line, reason }) => (
          <li key={line} data-kind="problem">
            Line {line}: {reason}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
