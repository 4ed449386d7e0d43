import { type ReactElement, useState } from 'react';
import type { App } from '#shared/model/app.ts';
import type { CustomPage } from '#shared/model/pages.ts';
import { attempt } from '../actions/app-actions.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { call } from '../state/connection.ts';
import { pathOf } from '../state/route.ts';
import { useAnswer } from '../state/use-answer.ts';
import { Button } from '../ui/button.tsx';
import { Link } from '../ui/link.tsx';
import panel from '../ui/panel.module.css';
import { ago, bytes } from '../ui/words.ts';
import css from './routing-screen.module.css';

const TITLES = { error: 'Error page', maintenance: 'Page for maintenance' } as const;

/** The app's own pages in place of the router's, and how they stand. */
export function PagesPanel({ app }: { readonly app: App }): ReactElement {
  const { value, problem, reload } = useAnswer('pages.list', { app: app.name }, app);
  const [busy, setBusy] = useState(false);
  const refresh = (): void => {
    setBusy(true);
    void attempt(`The pages of ${app.name} were not fetched`, async () => {
      await call('pages.refresh', { app: app.name });
    }).finally(() => {
      setBusy(false);
      reload();
    });
  };
  const own = value?.pages.some(({ url }) => url !== null) === true;
  return (
    <section className={panel['panel']} aria-labelledby="pages-title">
      <PanelTitle id="pages-title" title="Pages">
        {own && (
          <Button disabled={busy} onClick={refresh}>
            {busy ? 'Fetching' : 'Fetch again'}
          </Button>
        )}
      </PanelTitle>
      {problem !== null && <p className={panel['problem']}>{problem}</p>}
      <ul aria-label="Pages">
        {value?.pages.map((page) => (
          <li key={page.kind} className={css['row']}>
            <span className={css['name']}>{TITLES[page.kind]}</span>
            <span className={panel['weak']}>
              {page.bytes === null
                ? 'the router’s own'
                : `${bytes(page.bytes)}, fetched ${ago(page.fetchedAt ?? '')}`}
            </span>
            <Standing page={page} />
          </li>
        ))}
      </ul>
      <p className={panel['weak']}>
        The config vars <code>ERROR_PAGE_URL</code> and <code>MAINTENANCE_PAGE_URL</code> name them: an
        address of the web, <code>file:///…</code> for a file of this machine, or{' '}
        <code>data:text/html,…</code>. They are fetched when they are set, and kept.{' '}
        <Link path={pathOf(app.name, 'config')}>Config</Link>
      </p>
    </section>
  );
}

function Standing({ page }: { readonly page: CustomPage }): ReactElement | null {
  const { url, problem, fetching } = page;
  if (url === null) return null;
  return (
    <p className={problem === null ? css['note'] : css['problem']}>
      <code>{url}</code>
      {fetching && ' is being fetched'}
      {problem !== null && `: ${problem}`}
    </p>
  );
}
