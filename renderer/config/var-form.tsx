import { type FormEvent, type ReactElement, useState } from 'react';
import { ConfigName } from '#shared/model/config.ts';
import { Button } from '../ui/button.tsx';
import panel from '../ui/panel.module.css';
import css from './config-screen.module.css';

/** Fields for one var: a new one, or another value for one that is there. */
export function VarForm(props: {
  /** Null for a new one. */
  readonly name: string | null;
  readonly value: string;
  readonly taken: readonly string[];
  readonly onApply: (name: string, value: string) => Promise<void>;
  readonly onCancel?: () => void;
}): ReactElement {
  const [name, setName] = useState(props.name ?? '');
  const [value, setValue] = useState(props.value);
  const [busy, setBusy] = useState(false);
  const problem = name === '' ? null : problemOf(name, props.taken);
  const warning = value !== value.trim() ? 'The value begins or ends with a space.' : null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name === '' || problem !== null) return;
    setBusy(true);
    void props.onApply(name, value).finally(() => {
      setBusy(false);
    });
  };
  return (
    <form
      className={css['form']}
      onSubmit={submit}
      aria-label={props.name === null ? 'Add config var' : `Edit ${props.name}`}
    >
      <input
        className={`${panel['field']} mono`}
        aria-label="Name"
        placeholder="NAME"
        spellCheck={false}
        autoComplete="off"
        readOnly={props.name !== null}
        aria-invalid={problem !== null}
        value={name}
        onChange={(event) => {
          setName(event.target.value);
        }}
      />
      <textarea
        className={`${panel['field']} ${css['area']} mono`}
        aria-label="Value"
        placeholder="value"
        spellCheck={false}
        rows={value.includes('\n') ? 4 : 1}
        autoFocus={props.name !== null}
        value={value}
        onChange={(event) => {
          setValue(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey) submit(event);
          if (event.key === 'Escape') props.onCancel?.();
        }}
      />
      <Button type="submit" disabled={busy || name === '' || problem !== null}>
        {props.name === null ? 'Add' : 'Save'}
      </Button>
      {props.onCancel !== undefined && (
        <Button look="plain" onClick={props.onCancel}>
          Cancel
        </Button>
      )}
      {(problem ?? warning) !== null && (
        <p className={problem === null ? css['warning'] : css['problem']}>{problem ?? warning}</p>
      )}
    </form>
  );
}

function problemOf(name: string, taken: readonly string[]): string | null {
  if (taken.includes(name)) return `${name} is there already: edit it above.`;
  const checked = ConfigName.safeParse(name);
  return checked.success ? null : (checked.error.issues[0]?.message ?? 'This is no name.');
}
