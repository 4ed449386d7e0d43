import type { ReactElement } from 'react';
import css from './state-dot.module.css';

const LOOKS: Readonly<Record<string, { readonly look: string; readonly word: string }>> = {
  up: { look: 'up', word: 'up' },
  starting: { look: 'starting', word: 'starting' },
  crashed: { look: 'crashed', word: 'crashed' },
  stopping: { look: 'stopping', word: 'stopping' },
  down: { look: 'hollow', word: 'down' },
  idle: { look: 'hollow', word: 'idle' },
  asleep: { look: 'hollow', word: 'asleep' },
  off: { look: 'hollow', word: 'no dynos' },
  blank: { look: 'hollow', word: 'no code yet' },
  pending: { look: 'starting', word: 'deploying' },
  succeeded: { look: 'up', word: 'succeeded' },
  failed: { look: 'crashed', word: 'failed' },
};

/** The word for a state. */
export function stateWord(state: string): string {
  return LOOKS[state]?.word ?? state;
}

/** A dot that shows the state of an app or dyno; `label` names it, and without one the word stands beside it. */
export function StateDot(props: { readonly state: string; readonly label?: string }): ReactElement {
  const name =
    props.label === undefined
      ? { 'aria-hidden': true }
      : { role: 'img', 'aria-label': props.label, title: props.label };
  return (
    <svg {...name} className={css['dot']} data-look={LOOKS[props.state]?.look} viewBox="0 0 12 12">
      <circle cx="6" cy="6" r="4.25" />
      <path d="M3.5 3.5l5 5M8.5 3.5l-5 5" />
    </svg>
  );
}
