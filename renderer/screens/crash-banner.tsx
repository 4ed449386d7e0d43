import { TriangleAlert } from 'lucide-react';
import { type ReactElement, useEffect, useMemo, useState } from 'react';
import { useStore } from 'zustand';
import type { Dyno } from '#shared/model/app.ts';
import { restart } from '../actions/app-actions.ts';
import { logOf } from '../state/logs.ts';
import { setLogSettings } from '../state/preferences.ts';
import type { OpenApp } from '../state/world.ts';
import { Button } from '../ui/button.tsx';
import { ago } from '../ui/words.ts';
import css from './crash-banner.module.css';

/** Lines of the dyno's own output that the banner repeats. */
const LAST_LINES = 5;

/** Says across the app which dynos crashed, why, what they said last, and when they start again. */
export function CrashBanner({ open }: { readonly open: OpenApp }): ReactElement | null {
  const crashed = open.dynos.filter((dyno) => dyno.state === 'crashed');
  const [first] = crashed;
  if (first === undefined) return null;
  return (
    <section className={css['banner']} role="alert" aria-label="Crashed dynos">
      <TriangleAlert className={css['icon']} />
      <div className={css['words']}>
        <p>
          <strong>{first.name} crashed</strong>: {first.reason ?? 'no reason is known'},{' '}
          {ago(first.updatedAt)}. <NextStart dyno={first} />
          {crashed.length > 1 &&
            ` ${crashed.length - 1} more crashed: ${crashed
              .slice(1)
              .map((dyno) => dyno.name)
              .join(', ')}.`}
        </p>
        <LastLines app={open.name} dyno={first} />
      </div>
      <div className={css['actions']}>
        <Button onClick={() => void restart(open.name, first.name)}>Restart now</Button>
        <Button
          look="plain"
          onClick={() => {
            setLogSettings(open.name, { sources: { except: false, names: [first.name] } });
          }}
        >
          Show log
        </Button>
      </div>
    </section>
  );
}

function NextStart({ dyno }: { readonly dyno: Dyno }): ReactElement | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 500);
    return () => {
      clearInterval(timer);
    };
  }, []);
  if (dyno.nextStartAt === undefined) return null;
  const seconds = Math.ceil((new Date(dyno.nextStartAt).getTime() - now) / 1000);
  return <span>{seconds > 0 ? `Next start in ${seconds} s.` : 'It is being started again.'}</span>;
}

function LastLines({ app, dyno }: { readonly app: string; readonly dyno: Dyno }): ReactElement | null {
  const rows = useStore(logOf(app).store, (log) => log.rows);
  const lines = useMemo(() => {
    const found: string[] = [];
    for (let at = rows.length - 1; at >= 0 && found.length < LAST_LINES; at -= 1) {
      const row = rows[at];
      if (row?.kind === 'line' && row.facts.source === dyno.name && row.facts.line.source === 'app')
        found.unshift(row.facts.plain);
    }
    return found;
  }, [rows, dyno.name]);
  return lines.length === 0 ? null : <pre className={css['lines']}>{lines.join('\n')}</pre>;
}
