import type { ReactElement, ReactNode } from 'react';
import { go } from '../state/route.ts';

/** A link within the UI. */
export function Link(props: {
  readonly path: string;
  readonly className?: string;
  readonly current?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <a
      href={props.path}
      className={props.className}
      aria-current={props.current === true ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(props.path);
      }}
    >
      {props.children}
    </a>
  );
}
