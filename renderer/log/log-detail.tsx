import { X } from 'lucide-react';
import type { ReactElement } from 'react';
import { setLogSettings } from '../state/preferences.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import type { LineFacts } from './line-facts.ts';
import type { LogRow } from './log-rows.ts';
import css from './log-detail.module.css';

/** One line whole: its text, its fields, and ways on from there. */
export function LogDetail(props: {
  readonly app: string;
  readonly row: LogRow;
  /** Whether other lines are hidden, so that the way back to them is offered. */
  readonly filtered: boolean;
  readonly onContext: () => void;
  readonly onClose: () => void;
}): ReactElement | null {
  const { app, row } = props;
  if (row.kind !== 'line') return null;
  const { facts } = row;
  const fields = fieldsOf(facts);
  return (
    <aside className={`${css['detail']} quiet-scroll`} aria-label="Log line">
      <header className={css['header']}>
        <span className={css['when']}>
          {new Date(facts.line.at / 1000).toISOString()} · {facts.line.source}[{facts.line.ps}] ·{' '}
          {facts.line.stream}
        </span>
        {props.filtered && (
          <Button look="plain" onClick={props.onContext}>
            Show in context
          </Button>
        )}
        <CopyButton text={facts.plain} label="Copy text" />
        <IconButton label="Close line" onClick={props.onClose}>
          <X />
        </IconButton>
      </header>
      <pre className={css['text']}>
        {facts.json === null ? facts.plain : JSON.stringify(facts.json, null, 2)}
      </pre>
      {fields.length > 0 && (
        <dl className={css['fields']}>
          {fields.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <button
                  type="button"
                  title="Show only lines with this value"
                  onClick={() => {
                    setLogSettings(app, {
                      mode: 'filter',
                      regex: false,
                      query: `"${value}"`,
                      sources: { except: true, names: [] },
                    });
                  }}
                >
                  {value}
                </button>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </aside>
  );
}

function fieldsOf({ router, json }: LineFacts): [string, string][] {
  if (router !== null) return [...router];
  if (json === null) return [];
  return Object.entries(json).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}
