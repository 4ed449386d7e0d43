import { type ReactElement, useEffect, useState } from 'react';
import { useWorld } from '../state/world.ts';
import { setLogSettings } from '../state/preferences.ts';
import { Button } from '../ui/button.tsx';
import { ago } from '../ui/words.ts';
import type { LogView } from './use-log-view.ts';
import css from './log-panel.module.css';

/** What stands where no line does: that it is loading, what is hidden, or how output comes about. */
export function LogEmpty({ app, view }: { readonly app: string; readonly view: LogView }): ReactElement {
  const dyno = useWorld((world) => (world.open?.name === app ? world.open.dynos[0] : undefined));
  if (!view.loaded) return <Skeleton />;
  if (view.problem !== null) return <p className={css['empty']}>The log cannot be read: {view.problem}</p>;
  if (view.hides) {
    return (
      <div className={css['empty']}>
        <p>No line matches.</p>
        <Button
          onClick={() => {
            view.unclear();
            setLogSettings(app, { query: '', sources: { except: true, names: [] } });
          }}
        >
          Clear filter
        </Button>
      </div>
    );
  }
  return (
    <p className={css['empty']}>
      {dyno === undefined
        ? 'No output yet. Deploy a folder, and its build, its dynos and its requests all show here.'
        : `No output yet from ${dyno.name}. It is ${dyno.state} since ${ago(dyno.updatedAt)}.`}
    </p>
  );
}

/** Rows in outline, once loading takes long enough to be noticed. */
function Skeleton(): ReactElement | null {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setVisible, 150, true);
    return () => {
      clearTimeout(timer as number);
    };
  }, []);
  if (!visible) return null;
  return (
    <div className={css['skeleton']} aria-label="The log is loading" role="img">
      {[62, 48, 71, 35, 56].map((width) => (
        <span key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
