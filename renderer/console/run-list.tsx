import type { ReactElement } from 'react';
import type { OneOffDyno } from '#shared/model/run.ts';
import { Button } from '../ui/button.tsx';
import { StateDot, stateWord } from '../ui/state-dot.tsx';
import { ago } from '../ui/words.ts';
import { showLines, stopRun } from './run-actions.ts';
import css from './run-list.module.css';

/** The one-off dynos without a terminal that run now; nothing while there are none. */
export function RunList(props: {
  readonly app: string;
  readonly runs: readonly OneOffDyno[];
}): ReactElement | null {
  const runs = props.runs.filter((run) => !run.attached);
  if (runs.length === 0) return null;
  return (
    <ul className={css['runs']} aria-label="In the background">
      {runs.map((run) => (
        <li key={run.id} className={css['run']}>
          <StateDot state={run.state} label={stateWord(run.state)} />
          <span className={css['name']}>{run.name}</span>
          <code className={css['command']} title={run.command}>
            {run.command}
          </code>
          <span className={css['weak']}>
            {run.size}, {ago(run.startedAt)}
          </span>
          <span className={css['tools']}>
            <Button
              look="plain"
              aria-label={`Log of ${run.name}`}
              onClick={() => {
                showLines(props.app, run.name);
              }}
            >
              Log
            </Button>
            <Button
              aria-label={`Stop ${run.name}`}
              disabled={run.state === 'stopping'}
              onClick={() => void stopRun(props.app, run.name)}
            >
              Stop
            </Button>
          </span>
        </li>
      ))}
    </ul>
  );
}
