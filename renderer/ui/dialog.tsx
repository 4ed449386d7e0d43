import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactElement, ReactNode, RefObject } from 'react';
import { IconButton } from './button.tsx';
import css from './dialog.module.css';

/** A dialog over the window. Its title is a verb and a thing; `actions` are its buttons, the main one last. */
export function Dialog(props: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly wide?: boolean;
  /** What gets the focus first. */
  readonly initialFocus?: RefObject<HTMLElement | null>;
}): ReactElement {
  return (
    <Base.Root
      open={props.open}
      onOpenChange={(open) => {
        if (!open) props.onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className={css['veil']} />
        <Base.Popup
          className={`${css['popup']} quiet-scroll`}
          data-wide={props.wide === true}
          {...(props.initialFocus === undefined ? {} : { initialFocus: props.initialFocus })}
        >
          <header className={css['header']}>
            <Base.Title className={css['title']}>{props.title}</Base.Title>
            <Base.Close render={<IconButton label="Close dialog" />}>
              <X />
            </Base.Close>
          </header>
          {props.description !== undefined && (
            <Base.Description render={<div />} className={css['description']}>
              {props.description}
            </Base.Description>
          )}
          {props.children}
          {props.actions !== undefined && <footer className={css['actions']}>{props.actions}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
