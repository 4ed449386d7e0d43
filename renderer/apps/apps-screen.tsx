import { FolderOpen, Info, Plus } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { App } from '#shared/model/app.ts';
import { chooseFolder, deploySample, openDeployDialog } from '../actions/deploy.ts';
import { pathOf } from '../state/route.ts';
import { useAnswer } from '../state/use-answer.ts';
import { useWorld } from '../state/world.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Link } from '../ui/link.tsx';
import panel from '../ui/panel.module.css';
import { Sparkline } from '../ui/sparkline.tsx';
import { StateDot, stateWord } from '../ui/state-dot.tsx';
import { count } from '../ui/words.ts';
import css from './apps-screen.module.css';

/** All apps, and the ways to a new one. */
export function AppsScreen(): ReactElement {
  const apps = useWorld((world) => world.apps);
  return (
    <div className={css['screen']}>
      <header className={css['header']}>
        <h1>Apps</h1>
        {apps !== null && apps.length > 0 && (
          <Button
            look="main"
            onClick={() => {
              openDeployDialog();
            }}
          >
            <Plus /> New app
          </Button>
        )}
      </header>
      <ProcessNote />
      {apps?.length === 0 && <Empty />}
      {apps !== null && apps.length > 0 && (
        <ul className={css['apps']} aria-label="Apps">
          {apps.map((app) => (
            <Row key={app.id} app={app} />
          ))}
        </ul>
      )}
      {apps !== null && apps.length > 0 && (
        <p className={css['hint']}>Drag a project folder anywhere into this window to deploy it.</p>
      )}
    </div>
  );
}

/** Says why dynos are not apart from each other here, where that is so. */
function ProcessNote(): ReactElement | null {
  const runtime = useWorld((world) => world.system?.runtime);
  if (runtime === undefined || runtime.isolated) return null;
  return (
    <p className={css['note']}>
      <Info />
      <span>
        {runtime.notes.slice(0, 2).join(' ')} <Link path="/settings">Where dynos run</Link>
      </span>
    </p>
  );
}

function Row({ app }: { readonly app: App }): ReactElement {
  const stats = useWorld((world) => world.stats?.apps.find((each) => each.app === app.id));
  const building = useWorld((world) => {
    const build = world.builds[app.id];
    return build !== undefined && build.finishedAt === null;
  });
  const requests = stats?.requests ?? [];
  const lately = requests.reduce((sum, each) => sum + each, 0);
  return (
    <li className={css['row']}>
      <Link path={pathOf(app.name)} className={css['name']}>
        <StateDot state={building ? 'pending' : app.state} />
        <span>{app.name}</span>
      </Link>
      <span className={css['state']} data-state={app.state}>
        {building ? 'deploying' : stateWord(app.state)}
      </span>
      <code className={css['version']}>v{app.release}</code>
      <span className={css['dynos']}>
        {app.dynosUp === app.dynosWanted
          ? count(app.dynosUp, 'dyno')
          : `${app.dynosUp} of ${count(app.dynosWanted, 'dyno')} up`}
      </span>
      <span className={css['spark']}>
        <Sparkline values={requests} label={`${count(lately, 'request')} in the last 10 minutes`} />
      </span>
      <a className={css['url']} href={app.webUrl} target="_blank" rel="noreferrer">
        {new URL(app.webUrl).host}
      </a>
    </li>
  );
}

const DEPLOY_COMMAND = 'npm run slipway -- deploy FOLDER';

function Empty(): ReactElement {
  return (
    <div className={css['empty']}>
      <div className={css['drop']}>
        <FolderOpen className={css['picture']} />
        <p className={css['big']}>Drop a project folder here</p>
        <p className={panel['weak']}>
          Slipway finds out what it is, compiles it and runs it, as Heroku would.
        </p>
        <Button look="main" onClick={() => void chooseFolder()}>
          Choose folder
        </Button>
        <p className={panel['weak']}>
          or{' '}
          <span className={panel['command']}>
            <code>{DEPLOY_COMMAND}</code>
            <CopyButton text={DEPLOY_COMMAND} label="Copy command" />
          </span>
        </p>
      </div>
      <Samples />
    </div>
  );
}

function Samples(): ReactElement | null {
  const samples = useAnswer('samples.list', {}).value?.samples ?? [];
  const [busy, setBusy] = useState<string | null>(null);
  if (samples.length === 0) return null;
  return (
    <section aria-labelledby="samples-title">
      <h2 id="samples-title" className={css['title']}>
        Nothing at hand? Try one of these
      </h2>
      <ul className={css['samples']} aria-label="Samples">
        {samples.map((sample) => (
          <li key={sample.name} className={panel['panel']}>
            <h3 className={css['sample']}>{sample.title}</h3>
            <p className={css['text']}>{sample.description}</p>
            <div className={css['foot']}>
              <span className={panel['weak']}>{sample.language}</span>
              <Button
                disabled={busy !== null}
                aria-label={`Deploy sample ${sample.title}`}
                onClick={() => {
                  setBusy(sample.name);
                  void deploySample(sample.name).finally(() => {
                    setBusy(null);
                  });
                }}
              >
                {busy === sample.name ? 'Starting' : 'Deploy'}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
