import type { ReactElement } from 'react';
import css from './state-dot.module.css';

const LOOKS: Readonly<Record<string, { readonly look: string; readonly word: string }>> = {
  up: { look: 'up', word: 'up' },
  starting: { look: 'starting', word: 'starting' },
  crashed: { look: 'crashed', word: 'crashed' },
  stopping: { look: 'stopping', word: 'stopping' },
  down: { look: 'hollow', word: 'down' },
  idle: { look: 'hollow', word: 'idle' },
  off: { look: 'hollow', word: 'no dynos' },
  blank: { look: 'hollow', word: 'no code yet' },
};

/** The word for a state. */
export function stateWord(state: string): string {
  return LOOKS[state]?.word ?? state;
}

/** A dot that shows the state of an app or dyno; it has the state's word as its name. */
export function StateDot(props: { readonly state: string; readonly label?: string }): ReactElement {
  const label = props.label ?? stateWord(props.state);
  return (
    <span
      className={css['dot']}
      data-look={LOOKS[props.state]?.look}
      role="img"
      aria-label={label}
      title={label}
    />
  );
}
