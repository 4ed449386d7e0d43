import type { ReactElement } from 'react';
import css from './check.module.css';

/** Something that is on or off, in words. */
export function Check(props: {
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly children: string;
}): ReactElement {
  return (
    <label className={css['check']}>
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        onChange={({ target }) => {
          props.onChange(target.checked);
        }}
      />
      {props.children}
    </label>
  );
}
