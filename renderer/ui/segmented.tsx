import { type ReactElement, useId } from 'react';
import css from './segmented.module.css';

/** A few choices side by side, one of them chosen. */
export function Segmented<Value extends string>(props: {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly (readonly [value: Value, label: string])[];
  readonly onChoose: (value: Value) => void;
}): ReactElement {
  const name = useId();
  return (
    <fieldset className={css['group']} aria-label={props.label}>
      {props.choices.map(([value, label]) => (
        <label key={value} className={css['choice']}>
          <input
            type="radio"
            name={name}
            className={css['input']}
            checked={props.value === value}
            onChange={() => {
              props.onChoose(value);
            }}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
