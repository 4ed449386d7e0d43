import type { ReactElement, ReactNode } from 'react';
import panel from '../ui/panel.module.css';

/** Heading of a panel, with what one can do at its right. */
export function PanelTitle(props: {
  readonly id: string;
  readonly title: string;
  readonly children?: ReactNode;
}): ReactElement {
  return (
    <header className={panel['title']}>
      <h2 id={props.id}>{props.title}</h2>
      {props.children}
    </header>
  );
}
