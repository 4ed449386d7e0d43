import type { ReactElement } from 'react';
import type { App } from '#shared/model/app.ts';
import { askRollback, setAppOptions } from '../actions/app-actions.ts';
import { redeploy } from '../actions/deploy.ts';
import type { OpenApp } from '../state/world.ts';
import { pathOf } from '../state/route.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button } from '../ui/button.tsx';
import { Check } from '../ui/check.tsx';
import { Link } from '../ui/link.tsx';
import panel from '../ui/panel.module.css';
import { ago, bytes } from '../ui/words.ts';
import css from './now-card.module.css';

/** The release that serves now, and the way back to the one before. */
export function NowCard({ open, app }: { readonly open: OpenApp; readonly app: App }): ReactElement {
  const { folder } = app;
  const { releases, name } = open;
  const current = releases?.find((release) => release.current);
  const back = releases?.find(
    (release) => release.eligibleForRollback && release.version < (current?.version ?? 0),
  );
  return (
    <section className={panel['panel']} aria-labelledby="now-title">
      <PanelTitle id="now-title" title="Now">
        <Link path={pathOf(name, 'releases')}>All releases</Link>
      </PanelTitle>
      {current !== undefined && (
        <>
          <p className={css['what']}>
            <code className={css['version']}>v{current.version}</code> {current.description}
          </p>
          <p className={panel['weak']}>
            {ago(current.createdAt)} by {current.user}
            {current.slug !== null && ` · ${bytes(current.slug.size)} · ${current.slug.language}`}
            {current.slug?.commit != null && ` · ${current.slug.commit.slice(0, 7)}`}
          </p>
        </>
      )}
      {current !== undefined && current.slug === null && (
        <p className={panel['weak']}>
          There is no code yet. Drag the project folder into the window, or choose it.
        </p>
      )}
      {folder !== null && (
        <p className={css['folder']} title={folder}>
          <span className={panel['weak']}>Source</span> <code>{folder}</code>
        </p>
      )}
      {folder !== null && (
        <Check
          checked={app.options.deployOnSave}
          onChange={(deployOnSave) => void setAppOptions(name, { deployOnSave })}
        >
          Deploy when a file is saved
        </Check>
      )}
      <div className={css['actions']}>
        {back !== undefined && (
          <Button
            onClick={() => {
              askRollback(name, back.version);
            }}
          >
            Roll back to v{back.version}
          </Button>
        )}
        {folder !== null && (
          <Button look="plain" onClick={() => void redeploy(name, true)}>
            Deploy without cache
          </Button>
        )}
      </div>
    </section>
  );
}
