import type { ReactElement } from 'react';
import type { App } from '#shared/model/app.ts';
import { setAppOptions } from '../actions/app-actions.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Check } from '../ui/check.tsx';
import panel from '../ui/panel.module.css';
import { Segmented } from '../ui/segmented.tsx';
import { DomainsPanel } from './domains-panel.tsx';
import { PagesPanel } from './pages-panel.tsx';
import css from './routing-screen.module.css';

/** How requests come to an app: maintenance, domains, which dyno gets them, and the pages that the router answers with. */
export function RoutingScreen({ app }: { readonly app: App }): ReactElement {
  return (
    <div className={css['screen']}>
      <Maintenance app={app} />
      <DomainsPanel app={app} />
      <Choice app={app} />
      <PagesPanel app={app} />
    </div>
  );
}

function Maintenance({ app }: { readonly app: App }): ReactElement {
  const { maintenance } = app.options;
  return (
    <section className={panel['panel']} aria-labelledby="maintenance-title">
      <PanelTitle id="maintenance-title" title="Maintenance" />
      <Check checked={maintenance} onChange={(on) => void setAppOptions(app.name, { maintenance: on })}>
        Answer every request with the page for maintenance
      </Check>
      <p className={panel['weak']}>
        No request reaches a dyno; dynos, workers and one-off dynos go on. No release is made.
      </p>
    </section>
  );
}

function Choice({ app }: { readonly app: App }): ReactElement {
  const { dynoChoice, sessionAffinity } = app.options;
  return (
    <section className={panel['panel']} aria-labelledby="choice-title">
      <PanelTitle id="choice-title" title="Which dyno gets a request" />
      <div className={css['choice']}>
        <Segmented
          label="Choice of the dyno"
          value={dynoChoice}
          choices={[
            ['random', 'Any, as Heroku does'],
            ['least-busy-of-two', 'Less busy of two'],
          ]}
          onChoose={(chosen) => void setAppOptions(app.name, { dynoChoice: chosen })}
        />
      </div>
      <p className={panel['weak']}>
        {dynoChoice === 'random'
          ? 'Each request goes to any web dyno that is up.'
          : 'Two web dynos are drawn for each request; the one with fewer requests in flight gets it.'}
      </p>
      <Check
        checked={sessionAffinity}
        onChange={(on) => void setAppOptions(app.name, { sessionAffinity: on })}
      >
        A client keeps its dyno (session affinity)
      </Check>
      <p className={panel['weak']}>
        By a cookie, for as long as the dyno lives. Every restart and every deploy gives clients new dynos.
      </p>
    </section>
  );
}
