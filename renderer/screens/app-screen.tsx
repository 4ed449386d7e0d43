import { type ReactElement, useEffect } from 'react';
import type { App } from '#shared/model/app.ts';
import { LogPanel } from '../components/log-panel.tsx';
import { StateDot, stateWord } from '../components/state-dot.tsx';
import { redeploy, watchApp } from '../state/actions.ts';
import { type OpenApp, useWorld } from '../state/world.ts';
import css from './app-screen.module.css';
import { Formation } from './formation.tsx';
import { Releases } from './releases.tsx';

/** One app: its formation, its releases and its log. */
export function AppScreen({ name }: { readonly name: string }): ReactElement {
  const app = useWorld((world) => world.apps?.find((each) => each.name === name));
  const open = useWorld((world) => (world.open?.name === name ? world.open : null));
  const known = useWorld((world) => world.apps !== null);
  useEffect(() => watchApp(name), [name]);
  if (app === undefined) return <p className={css['missing']}>{known ? `There is no app ${name}.` : ''}</p>;
  return (
    <div className={css['screen']}>
      <Header app={app} />
      {open !== null && (
        <>
          <div className={css['panels']}>
            <Formation open={open} />
            <Releases open={open} />
          </div>
          <Crashes open={open} />
          <LogPanel records={open.log} />
        </>
      )}
    </div>
  );
}

function Header({ app }: { readonly app: App }): ReactElement {
  const { folder } = app;
  return (
    <header className={css['header']}>
      <h1>{app.name}</h1>
      <span className={css['state']}>
        <StateDot state={app.state} /> {stateWord(app.state)}
      </span>
      <code>v{app.release}</code>
      <span className={css['space']} />
      <a href={app.webUrl} target="_blank" rel="noreferrer">
        Open app
      </a>
      {folder !== null && (
        <button
          type="button"
          className={css['deploy']}
          title={`Deploy ${folder}`}
          onClick={() => {
            void redeploy(app.name, folder);
          }}
        >
          Deploy
        </button>
      )}
    </header>
  );
}

function Crashes({ open }: { readonly open: OpenApp }): ReactElement | null {
  const crashed = open.dynos.filter((dyno) => dyno.state === 'crashed');
  if (crashed.length === 0) return null;
  return (
    <div className={css['crashes']} role="alert">
      {crashed.map((dyno) => (
        <p key={dyno.id}>
          <strong>{dyno.name} crashed:</strong> {dyno.reason ?? 'no reason is known'}. It starts again by
          itself.
        </p>
      ))}
    </div>
  );
}
