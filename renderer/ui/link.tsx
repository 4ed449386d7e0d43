import type { AnchorHTMLAttributes, ReactElement } from 'react';
import { go } from '../state/route.ts';

/** A link within the UI. */
export function Link(
  props: AnchorHTMLAttributes<HTMLAnchorElement> & { readonly path: string; readonly current?: boolean },
): ReactElement {
  const { path, current, onClick, ...rest } = props;
  return (
    <a
      {...rest}
      href={path}
      aria-current={current === true ? 'page' : undefined}
      onClick={(event) => {
        onClick?.(event);
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.defaultPrevented) return;
        event.preventDefault();
        go(path);
      }}
    />
  );
}
