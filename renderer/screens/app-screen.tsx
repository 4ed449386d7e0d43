import { ExternalLink, Rocket } from 'lucide-react';
import { type ReactElement, useEffect, useState } from 'react';
import type { App } from '#shared/model/app.ts';
import { askRollback, destroyApp, restart } from '../actions/app-actions.ts';
import { openDeployDialog, redeploy } from '../actions/deploy.ts';
import { ConfigScreen } from '../config/config-screen.tsx';
import { ConsoleScreen } from '../console/console-screen.tsx';
import { LogPanel } from '../log/log-panel.tsx';
import { RoutingScreen } from '../routing/routing-screen.tsx';
import { type AppTab, APP_TABS, pathOf } from '../state/route.ts';
import { openApp } from '../state/sync.ts';
import { useWorld } from '../state/world.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Link } from '../ui/link.tsx';
import { Menu, MenuItem, MenuLine } from '../ui/menu.tsx';
import panel from '../ui/panel.module.css';
import { StateDot, stateWord } from '../ui/state-dot.tsx';
import { count } from '../ui/words.ts';
import { ActivityScreen } from './activity-screen.tsx';
import css from './app-screen.module.css';
import { isRunning } from './deploy-timeline.tsx';
import { MaintenanceBanner } from './maintenance-banner.tsx';
import { OptionsDialog } from './options-dialog.tsx';
import { Overview } from './overview.tsx';
import { ReleasesScreen } from './releases-screen.tsx';
import { RollbackDialog } from './rollback-dialog.tsx';

const TITLES: Readonly<Record<AppTab, string>> = {
  overview: 'Overview',
  releases: 'Releases',
  logs: 'Logs',
  config: 'Config',
  routing: 'Routing',
  console: 'Console',
  activity: 'Activity',
};

/** One app: what it is doing in the header, and a tab for each kind of work. */
export function AppScreen({ name, tab }: { readonly name: string; readonly tab: AppTab }): ReactElement {
  const app = useWorld((world) => world.apps?.find((each) => each.name === name));
  const known = useWorld((world) => world.apps !== null);
  useEffect(() => {
    openApp(name);
  }, [name]);
  if (app === undefined) {
    return (
      <div className={css['missing']}>
        {known && (
          <>
            <h1>There is no app {name}</h1>
            <p>
              It may have been destroyed or have another name. <Link path="/apps">All apps</Link>
            </p>
          </>
        )}
      </div>
    );
  }
  return (
    <div className={css['screen']}>
      <Header app={app} />
      <nav className={`${css['tabs']} quiet-scroll`} aria-label={`Parts of ${name}`}>
        {APP_TABS.map((each) => (
          <Link key={each} path={pathOf(name, each)} className={css['tab']} current={each === tab}>
            {TITLES[each]}
          </Link>
        ))}
      </nav>
      <MaintenanceBanner app={app} />
      <Content app={app} tab={tab} />
      <RollbackQuestion app={app.name} />
    </div>
  );
}

/** Asked from anywhere within the app's screens, and by the palette. */
function RollbackQuestion({ app }: { readonly app: string }): ReactElement | null {
  const open = useWorld((world) => (world.open?.name === app ? world.open : null));
  if (open === null) return null;
  return (
    <RollbackDialog
      app={app}
      current={open.releases?.find((release) => release.current)?.version ?? null}
      target={open.rollbackTo}
      onClose={() => {
        askRollback(app, null);
      }}
    />
  );
}

function Content({ app, tab }: { readonly app: App; readonly tab: AppTab }): ReactElement | null {
  const open = useWorld((world) => (world.open?.name === app.name ? world.open : null));
  if (open === null) return null;
  if (tab === 'logs') return <LogPanel key={app.name} app={app.name} />;
  if (tab === 'overview') return <Overview key={app.name} app={app} open={open} />;
  return (
    <div className={`${css['content']} quiet-scroll`}>
      {tab === 'releases' && <ReleasesScreen key={app.name} open={open} />}
      {tab === 'config' && <ConfigScreen key={app.name} open={open} />}
      {tab === 'routing' && <RoutingScreen key={app.name} app={app} />}
      {tab === 'console' && <ConsoleScreen key={app.name} open={open} />}
      {tab === 'activity' && <ActivityScreen key={app.name} open={open} />}
    </div>
  );
}

function Header({ app }: { readonly app: App }): ReactElement {
  const build = useWorld(
    (world) => world.builds[app.id] ?? (world.open?.name === app.name ? world.open.builds[0] : undefined),
  );
  const deploying = build !== undefined && isRunning(build);
  return (
    <header className={css['header']}>
      <h1 className={css['name']}>{app.name}</h1>
      <span className={css['state']} data-state={deploying ? 'pending' : app.state}>
        <StateDot state={deploying ? 'pending' : app.state} />
        {deploying ? 'deploying' : stateWord(app.state)}
      </span>
      <code className={css['version']}>v{app.release}</code>
      <span className={css['dynos']}>
        {app.state === 'asleep'
          ? 'wakes with the next request'
          : `${app.dynosUp} of ${count(app.dynosWanted, 'dyno')} up`}
      </span>
      <span className={css['space']} />
      <MoreMenu app={app} />
      <Button
        onClick={() => {
          window.open(app.webUrl, '_blank', 'noopener');
        }}
        title={app.webUrl}
      >
        <ExternalLink /> Open app
      </Button>
      <Button
        look="main"
        disabled={deploying}
        title={app.folder === null ? 'Choose the folder to deploy' : `Deploy ${app.folder} again`}
        onClick={() => void redeploy(app.name)}
      >
        <Rocket /> Deploy
      </Button>
    </header>
  );
}

function MoreMenu({ app }: { readonly app: App }): ReactElement {
  const [destroying, setDestroying] = useState(false);
  const [choosing, setChoosing] = useState(false);
  return (
    <>
      <Menu trigger={<Button look="plain">More</Button>}>
        <MenuItem
          onSelect={() => {
            openDeployDialog(app.name);
          }}
        >
          Deploy another folder
        </MenuItem>
        <MenuItem
          disabledReason={app.folder === null ? 'contents were uploaded' : null}
          onSelect={() => void redeploy(app.name, true)}
        >
          Deploy without cache
        </MenuItem>
        <MenuLine />
        <MenuItem
          disabledReason={app.dynosWanted === 0 ? 'no dynos' : null}
          onSelect={() => void restart(app.name)}
        >
          Restart all dynos
        </MenuItem>
        <MenuItem
          onSelect={() => {
            setChoosing(true);
          }}
        >
          Options
        </MenuItem>
        <MenuItem onSelect={() => void navigator.clipboard.writeText(app.webUrl)}>Copy URL</MenuItem>
        <MenuLine />
        <MenuItem
          danger
          onSelect={() => {
            setDestroying(true);
          }}
        >
          Destroy app
        </MenuItem>
      </Menu>
      {choosing && (
        <OptionsDialog
          app={app}
          onClose={() => {
            setChoosing(false);
          }}
        />
      )}
      {destroying && (
        <DestroyDialog
          app={app.name}
          onClose={() => {
            setDestroying(false);
          }}
        />
      )}
    </>
  );
}

function DestroyDialog({
  app,
  onClose,
}: {
  readonly app: string;
  readonly onClose: () => void;
}): ReactElement {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Destroy app ${app}?`}
      description="Its dynos stop, and its releases, config vars and log are gone for good. The project folder stays as it is."
      actions={
        <>
          <Button onClick={onClose}>Keep {app}</Button>
          <Button
            look="danger"
            disabled={typed !== app || busy}
            onClick={() => {
              setBusy(true);
              void destroyApp(app).finally(onClose);
            }}
          >
            Destroy {app}
          </Button>
        </>
      }
    >
      <label className={css['confirm']}>
        Type <strong>{app}</strong> to confirm
        <input
          className={panel['field']}
          value={typed}
          spellCheck={false}
          onChange={(event) => {
            setTyped(event.target.value);
          }}
        />
      </label>
    </Dialog>
  );
}
