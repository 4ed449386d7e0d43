import { Toast } from '@base-ui/react/toast';
import { X } from 'lucide-react';
import type { ReactElement } from 'react';
import { Button, IconButton } from './button.tsx';
import css from './toasts.module.css';

const manager = Toast.createToastManager();

/** Shortest time that a toast stays, in milliseconds; it waits while it is hovered, focused or the window is hidden. */
const STAY = 7_000;

/** Tells the result of a person's own action. `undo` adds a button. @returns the message's id */
export function toast(title: string, undo?: () => void): string {
  const id = manager.add({
    title,
    timeout: STAY,
    ...(undo === undefined
      ? {}
      : {
          actionProps: {
            children: 'Undo',
            onClick: () => {
              manager.close(id);
              undo();
            },
          },
        }),
  });
  return id;
}

/** Takes a message away. */
export function closeToast(id: string): void {
  manager.close(id);
}

/** Tells that an action failed; stays until it is closed. */
export function toastProblem(title: string, error: unknown): void {
  const description = error instanceof Error ? error.message : String(error);
  const id = manager.add({
    title,
    description,
    type: 'problem',
    priority: 'high',
    timeout: 0,
    actionProps: {
      children: 'Copy',
      onClick: () => {
        void navigator.clipboard.writeText(`${title}: ${description}`);
        manager.close(id);
      },
    },
  });
}

/** Where toasts are shown; F6 moves the focus there. */
export function Toasts(): ReactElement {
  return (
    <Toast.Provider toastManager={manager} limit={3} timeout={STAY}>
      <Toast.Portal>
        <Toast.Viewport className={css['viewport']}>
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function ToastList(): ReactElement[] {
  const { toasts } = Toast.useToastManager();
  return toasts.map((each) => (
    <Toast.Root key={each.id} toast={each} className={css['toast']} data-kind={each.type}>
      <Toast.Content className={css['content']}>
        <div className={css['words']}>
          <Toast.Title className={css['title']} render={<p />} />
          <Toast.Description className={css['description']} />
        </div>
        {each.actionProps !== undefined && <Toast.Action render={<Button look="plain" />} />}
        <Toast.Close render={<IconButton label="Close message" />}>
          <X />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
