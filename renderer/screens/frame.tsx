import { Command, LayoutGrid, Plus, Settings } from 'lucide-react';
import type { ReactElement } from 'react';
import { openDeployDialog } from '../actions/deploy.ts';
import { AppsScreen } from '../apps/apps-screen.tsx';
import { DeployDialogView } from '../apps/deploy-dialog.tsx';
import { DropTarget } from '../apps/drop-target.tsx';
import { openPalette, Palette } from '../palette/palette.tsx';
import { Shortcuts } from '../palette/shortcuts.tsx';
import { useKeys } from '../palette/use-keys.ts';
import { isMac } from '../state/host.ts';
import { pathOf, usePlace } from '../state/route.ts';
import { useWorld } from '../state/world.ts';
import { SettingsScreen } from '../settings/settings-screen.tsx';
import { Link } from '../ui/link.tsx';
import { StateDot, stateWord } from '../ui/state-dot.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { AppScreen } from './app-screen.tsx';
import css from './frame.module.css';
import { TaskList } from './task-list.tsx';

/** The window: navigation at the left, the screen of the present place beside it. */
export function Frame(): ReactElement {
  useKeys();
  return (
    <div className={css['frame']}>
      <a className={css['skip']} href="#main">
        Skip to the content
      </a>
      <Navigation />
      <main id="main" className={`${css['main']} quiet-scroll`} tabIndex={-1}>
        <ConnectionBanner />
        <RuntimeBanner />
        <Screen />
      </main>
      <DropTarget />
      <DeployDialogView />
      <Palette />
      <Shortcuts />
      <Toasts />
    </div>
  );
}

function Screen(): ReactElement {
  const place = usePlace();
  if (place.screen === 'apps') return <AppsScreen />;
  if (place.screen === 'settings') return <SettingsScreen />;
  if (place.screen === 'app') return <AppScreen name={place.app} tab={place.tab} />;
  return (
    <div className={css['lost']}>
      <h1>There is nothing here</h1>
      <p>
        This address names no part of Slipway. <Link path="/apps">All apps</Link>
      </p>
    </div>
  );
}

function ConnectionBanner(): ReactElement | null {
  const connection = useWorld((world) => world.connection);
  if (connection !== 'lost') return null;
  return (
    <p className={css['banner']} role="status">
      <StateDot state="starting" /> Reconnecting: the engine does not answer. What you see is from before; it
      goes on where it was left.
    </p>
  );
}

function RuntimeBanner(): ReactElement | null {
  const runtime = useWorld((world) => world.system?.runtime);
  if (runtime === undefined || runtime.available) return null;
  return (
    <p className={css['banner']} data-bad="true" role="alert">
      <StateDot state="crashed" /> Docker does not answer: no dyno can start or stop. Start Docker; Slipway
      finds it again by itself.
    </p>
  );
}

function Navigation(): ReactElement {
  const place = usePlace();
  const apps = useWorld((world) => world.apps);
  const open = place.screen === 'app' ? place.app : null;
  return (
    <nav className={css['navigation']} aria-label="Main">
      <div className={css['top']}>
        <Link path="/apps" className={css['brand']}>
          <img src="/icon.svg" alt="" width="20" height="20" /> Slipway
        </Link>
        <button
          type="button"
          className={css['palette']}
          onClick={() => {
            openPalette();
          }}
          aria-label={`Command palette, ${isMac ? '⌘ K' : 'Ctrl K'}`}
          title="Command palette"
        >
          {isMac ? <Command /> : 'Ctrl '}
          {isMac ? '' : 'K'}
          {isMac && 'K'}
        </button>
      </div>
      <Link path="/apps" className={css['item']} current={place.screen === 'apps'}>
        <LayoutGrid /> <span className={css['word']}>Apps</span>
      </Link>
      <ul className={`${css['apps']} quiet-scroll`} aria-label="Apps in the side bar">
        {apps?.map((app) => (
          <li key={app.id}>
            <Link
              path={pathOf(app.name)}
              className={css['app']}
              current={open === app.name}
              title={`${app.name}: ${stateWord(app.state)}`}
            >
              <StateDot state={app.state} />
              <span className={css['word']}>{app.name}</span>
              <span className="visually-hidden">, {stateWord(app.state)}</span>
            </Link>
          </li>
        ))}
        <li>
          <button
            type="button"
            className={css['app']}
            onClick={() => {
              openDeployDialog();
            }}
          >
            <Plus /> <span className={css['word']}>New app</span>
          </button>
        </li>
      </ul>
      <TaskList />
      <Link path="/settings" className={css['item']} current={place.screen === 'settings'}>
        <Settings /> <span className={css['word']}>Settings</span>
      </Link>
      <Machine />
    </nav>
  );
}

/** What dynos run on and how much room there is, always in view. */
function Machine(): ReactElement {
  const system = useWorld((world) => world.system);
  const connection = useWorld((world) => world.connection);
  const machine = useWorld((world) => world.stats?.machine) ?? system?.memory;
  const docker = system?.runtime.kind === 'docker';
  const available = system?.runtime.available !== false;
  const state = connection !== 'open' ? 'starting' : !available ? 'crashed' : docker ? 'up' : 'idle';
  const used = machine === undefined ? 0 : (machine.totalMiB - machine.freeMiB) / 1024;
  return (
    <Link path="/settings" className={css['machine']} title={system?.runtime.notes.join('\n')}>
      <span>
        <StateDot state={state} />
        {system === null ? 'Connecting' : !available ? 'Docker is away' : docker ? 'Docker' : 'Processes'}
      </span>
      {machine !== undefined && (
        <span>
          {used.toFixed(1)} / {(machine.totalMiB / 1024).toFixed(0)} GB
        </span>
      )}
    </Link>
  );
}
