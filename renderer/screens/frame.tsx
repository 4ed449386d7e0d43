import type { ReactElement } from 'react';
import { Link } from '../components/link.tsx';
import { StateDot } from '../components/state-dot.tsx';
import { usePlace } from '../state/route.ts';
import { useWorld } from '../state/world.ts';
import { AppScreen } from './app-screen.tsx';
import { AppsScreen } from './apps-screen.tsx';
import css from './frame.module.css';

/** The whole window: navigation at the left, one screen beside it. */
export function Frame(): ReactElement {
  const place = usePlace();
  return (
    <div className={css['frame']}>
      <Navigation />
      <main className={css['main']}>
        <Banner />
        {place.screen === 'app' ? <AppScreen key={place.app} name={place.app} /> : <AppsScreen />}
      </main>
    </div>
  );
}

function Navigation(): ReactElement {
  const apps = useWorld((world) => world.apps);
  const place = usePlace();
  return (
    <nav className={css['navigation']} aria-label="Main">
      <Link path="/apps" className={css['brand'] ?? ''}>
        <img src="/icon.svg" alt="" width={20} height={20} />
        Slipway
      </Link>
      <ul className={css['apps']}>
        {(apps ?? []).map((app) => (
          <li key={app.id}>
            <Link
              path={`/apps/${app.name}`}
              className={css['app'] ?? ''}
              current={place.screen === 'app' && place.app === app.name}
            >
              <StateDot state={app.state} />
              <span className={css['name']}>{app.name}</span>
            </Link>
          </li>
        ))}
      </ul>
      <Machine />
    </nav>
  );
}

function Machine(): ReactElement {
  const system = useWorld((world) => world.system);
  if (system === null) return <div className={css['machine']} />;
  const used = (system.memory.totalMiB - system.memory.freeMiB) / 1024;
  return (
    <div className={css['machine']} title={system.runtime.notes.join('\n')}>
      <span>
        <StateDot state={system.runtime.isolated ? 'up' : 'starting'} />
        {system.runtime.kind === 'docker' ? 'Docker' : 'Processes, not isolated'}
      </span>
      <span>
        {used.toFixed(1)} / {(system.memory.totalMiB / 1024).toFixed(0)} GB
      </span>
    </div>
  );
}

function Banner(): ReactElement | null {
  const connection = useWorld((world) => world.connection);
  const problem = useWorld((world) => world.problem);
  if (connection === 'lost')
    return <div className={css['banner']}>The engine does not answer. Connecting again…</div>;
  if (problem === null) return null;
  return (
    <div className={css['banner']} role="alert">
      {problem}
      <button
        type="button"
        onClick={() => {
          useWorld.setState({ problem: null });
        }}
      >
        Dismiss
      </button>
    </div>
  );
}
