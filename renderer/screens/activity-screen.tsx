import { type ReactElement, useEffect } from 'react';
import { useStore } from 'zustand';
import type { LogLine } from '#shared/model/log.ts';
import { logOf } from '../state/logs.ts';
import { useAnswer } from '../state/use-answer.ts';
import { type OpenApp, undoDeed, useWorld } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button } from '../ui/button.tsx';
import panel from '../ui/panel.module.css';
import { ago } from '../ui/words.ts';
import css from './activity-screen.module.css';

/** What happened to the app: one feed of deploys, config changes, scaling and rollbacks, and what can still be undone. */
export function ActivityScreen({ open }: { readonly open: OpenApp }): ReactElement {
  const { name } = open;
  const deeds = useWorld((world) => world.deeds).filter((deed) => deed.app === name && deed.undo !== null);
  const lines = useApiLines(open);
  return (
    <div className={css['screen']}>
      {deeds.length > 0 && (
        <section className={panel['panel']} aria-labelledby="undo-title">
          <PanelTitle id="undo-title" title="Can be undone" />
          <ul className={css['list']} aria-label="Can be undone">
            {deeds.map((deed) => (
              <li key={deed.id} className={css['row']}>
                <span className={css['text']}>{deed.text}</span>
                <span className={css['when']}>{ago(deed.at)}</span>
                <Button onClick={() => void undoDeed(deed.id)}>Undo</Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className={panel['panel']} aria-labelledby="activity-title">
        <PanelTitle id="activity-title" title="Activity" />
        <ul className={css['list']} aria-label="Activity">
          {lines.map((line) => (
            <li key={line.seq} className={css['row']}>
              <span className={css['text']}>{line.text}</span>
              <span className={css['when']} title={new Date(line.at / 1000).toLocaleString()}>
                {ago(line.at / 1000)}
              </span>
            </li>
          ))}
        </ul>
        {lines.length === 0 && (
          <p className={panel['weak']}>Deploys, config changes, scaling and rollbacks show here.</p>
        )}
      </section>
    </div>
  );
}

/** The platform's own lines about the app, newest first; read anew when there is a new one. */
function useApiLines({ name }: OpenApp): readonly LogLine[] {
  const newest = useStore(logOf(name).store, (log) => log.sources.get('api') ?? 0);
  useEffect(() => logOf(name).watch(), [name]);
  const input = { app: name, filter: { source: 'app' as const, ps: 'api' }, lines: 300 };
  const records = useAnswer('logs.recent', input, newest).value?.records ?? [];
  return records.filter((record) => record.kind === 'line').reverse();
}
