import { type FormEvent, type ReactElement, useState } from 'react';
import type { App } from '#shared/model/app.ts';
import { Link } from '../components/link.tsx';
import { StateDot, stateWord } from '../components/state-dot.tsx';
import { deployFolder } from '../state/actions.ts';
import { useWorld } from '../state/world.ts';
import css from './apps-screen.module.css';

/** All apps, and the way to a new one. */
export function AppsScreen(): ReactElement {
  const apps = useWorld((world) => world.apps);
  return (
    <div className={css['screen']}>
      <h1>Apps</h1>
      {apps?.length === 0 && <Empty />}
      {apps !== null && apps.length > 0 && (
        <ul className={css['apps']} aria-label="Apps">
          {apps.map((app) => (
            <Row key={app.id} app={app} />
          ))}
        </ul>
      )}
      {apps !== null && <DeployForm />}
    </div>
  );
}

function Empty(): ReactElement {
  return (
    <p className={css['empty']}>
      No apps yet. Name a project folder below, or run <code>npm run slipway -- deploy FOLDER</code>.
    </p>
  );
}

function Row({ app }: { readonly app: App }): ReactElement {
  return (
    <li className={css['row']}>
      <StateDot state={app.state} />
      <Link path={`/apps/${app.name}`} className={css['name'] ?? ''}>
        {app.name}
      </Link>
      <span className={css['weak']}>{stateWord(app.state)}</span>
      <span className={css['version']}>v{app.release}</span>
      <span className={css['weak']}>
        {app.dynosUp} of {app.dynosWanted} {app.dynosWanted === 1 ? 'dyno' : 'dynos'}
      </span>
      <a href={app.webUrl} target="_blank" rel="noreferrer">
        {new URL(app.webUrl).host}
      </a>
    </li>
  );
}

function DeployForm(): ReactElement {
  const [folder, setFolder] = useState('');
  const [busy, setBusy] = useState(false);
  const deploy = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    void deployFolder(folder).finally(() => {
      setBusy(false);
    });
  };
  return (
    <form className={css['form']} onSubmit={deploy}>
      <label>
        <span className={css['weak']}>Project folder on this machine</span>
        <input
          required
          value={folder}
          placeholder="/home/you/projects/shop"
          onChange={(event) => {
            setFolder(event.target.value);
          }}
        />
      </label>
      <button type="submit" disabled={busy}>
        Deploy
      </button>
    </form>
  );
}
