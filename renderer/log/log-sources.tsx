import type { ReactElement } from 'react';
import { setLogSettings } from '../state/preferences.ts';
import { Button } from '../ui/button.tsx';
import { hueOf } from './log-row.tsx';
import { type LogView, showsSource } from './use-log-view.ts';
import css from './log-sources.module.css';

/** A chip for each source: a click shows or hides it, with Alt it alone is shown. New dynos do not change the choice. */
export function LogSources({
  app,
  view,
}: {
  readonly app: string;
  readonly view: LogView;
}): ReactElement | null {
  const { settings, sources } = view;
  const names = [...new Set([...sources.keys(), ...settings.sources.names])].sort((one, other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
  if (names.length === 0) return null;
  const choose = (name: string, alone: boolean): void => {
    const { except, names: chosen } = settings.sources;
    if (alone) setLogSettings(app, { sources: { except: false, names: [name] } });
    else {
      const next = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
      setLogSettings(app, {
        sources: next.length === 0 ? { except: true, names: [] } : { except, names: next },
      });
    }
  };
  return (
    <div className={`${css['sources']} quiet-scroll`} role="group" aria-label="Sources">
      {names.map((name) => (
        <button
          key={name}
          type="button"
          className={css['chip']}
          data-hue={hueOf(name)}
          aria-pressed={showsSource(settings, name)}
          title={`Click shows or hides ${name}. Alt+click shows only ${name}.`}
          onClick={(event) => {
            choose(name, event.altKey);
          }}
          onDoubleClick={() => {
            choose(name, true);
          }}
        >
          {name} <span className={css['count']}>{short(sources.get(name) ?? 0)}</span>
        </button>
      ))}
      {settings.sources.names.length > 0 && (
        <Button
          look="plain"
          className={css['all'] ?? ''}
          onClick={() => {
            setLogSettings(app, { sources: { except: true, names: [] } });
          }}
        >
          Show all
        </Button>
      )}
    </div>
  );
}

function short(lines: number): string {
  return lines < 1_000 ? String(lines) : `${(lines / 1_000).toFixed(lines < 10_000 ? 1 : 0)}k`;
}
