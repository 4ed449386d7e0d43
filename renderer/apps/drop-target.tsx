import { FolderDown } from 'lucide-react';
import { type ReactElement, useEffect, useState } from 'react';
import { takeContents, takeFolder } from '../actions/deploy.ts';
import { readDroppedFolder } from '../actions/dropped-files.ts';
import { desktop } from '../state/host.ts';
import { currentPlace } from '../state/route.ts';
import css from './drop-target.module.css';

/** A frame around the whole window while something is dragged over it. On an app's screen the drop deploys to that app. */
export function DropTarget(): ReactElement | null {
  const [over, setOver] = useState<'folder' | 'other' | null>(null);
  useEffect(() => {
    let depth = 0;
    const enter = (event: DragEvent): void => {
      depth += 1;
      setOver(kindOf(event));
    };
    const leave = (): void => {
      depth -= 1;
      if (depth <= 0) setOver(null);
    };
    const hover = (event: DragEvent): void => {
      event.preventDefault();
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      depth = 0;
      setOver(null);
      take(event);
    };
    addEventListener('dragenter', enter);
    addEventListener('dragleave', leave);
    addEventListener('dragover', hover);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragenter', enter);
      removeEventListener('dragleave', leave);
      removeEventListener('dragover', hover);
      removeEventListener('drop', drop);
    };
  }, []);
  if (over === null) return null;
  const place = currentPlace();
  return (
    <div className={css['target']} data-kind={over}>
      <div className={css['words']}>
        <FolderDown />
        <p className={css['big']}>
          {over === 'other'
            ? 'This is no folder'
            : place.screen === 'app'
              ? `Drop to deploy to ${place.app}`
              : 'Drop to deploy a new app'}
        </p>
        <p>
          {over === 'other'
            ? 'Drag the folder of a project here.'
            : 'You will see what was found before anything starts.'}
        </p>
      </div>
    </div>
  );
}

function kindOf(event: DragEvent): 'folder' | 'other' {
  return event.dataTransfer?.types.includes('Files') === true ? 'folder' : 'other';
}

function take(event: DragEvent): void {
  const transfer = event.dataTransfer;
  if (transfer?.types.includes('Files') !== true) return;
  const place = currentPlace();
  const app = place.screen === 'app' ? place.app : null;
  const [file] = transfer.files;
  const path = desktop === null || file === undefined ? '' : desktop.pathOfFile(file);
  if (path !== '') void takeFolder(path, app);
  else void takeContents(readDroppedFolder(transfer), app);
}
