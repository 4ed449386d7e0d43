import { type ReactElement, useState } from 'react';
import { rollback } from '../actions/app-actions.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ReleaseDiffView } from './release-diff.tsx';

/** Asks before a rollback, with what will change. */
export function RollbackDialog(props: {
  readonly app: string;
  readonly current: number | null;
  /** Version to go back to; null while the dialog is closed. */
  readonly target: number | null;
  readonly onClose: () => void;
}): ReactElement {
  const { app, current, target } = props;
  const [busy, setBusy] = useState(false);
  return (
    <Dialog
      wide
      open={target !== null}
      onClose={props.onClose}
      title={`Roll back ${app} to v${target ?? ''}?`}
      description="A new release is made with the code and the config vars of that version. Data in databases and files outside the app stays as it is."
      actions={
        <>
          <Button onClick={props.onClose}>Keep v{current}</Button>
          <Button
            look="main"
            disabled={busy}
            onClick={() => {
              if (target === null) return;
              setBusy(true);
              void rollback(app, target).finally(() => {
                setBusy(false);
                props.onClose();
              });
            }}
          >
            Roll back to v{target}
          </Button>
        </>
      }
    >
      {target !== null && current !== null && <ReleaseDiffView app={app} from={current} to={target} />}
    </Dialog>
  );
}
