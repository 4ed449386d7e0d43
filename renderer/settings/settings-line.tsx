import type { ReactElement, ReactNode } from 'react';
import css from './settings-screen.module.css';

/** One line of a panel of the settings: what it is about, and how it stands. */
export function Line({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className={css['line']}>
      <span className={css['label']}>{label}</span>
      <div className={css['value']}>{children}</div>
    </div>
  );
}
