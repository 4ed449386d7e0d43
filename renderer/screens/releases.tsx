import type { ReactElement } from 'react';
import type { Release } from '#shared/model/release.ts';
import { rollback } from '../state/actions.ts';
import type { OpenApp } from '../state/world.ts';
import css from './releases.module.css';

/** The newest releases that the panel shows. */
const SHOWN = 8;

/** The release ledger, newest first. */
export function Releases({ open }: { readonly open: OpenApp }): ReactElement {
  return (
    <section className={css['panel']} aria-labelledby="releases-title">
      <h2 id="releases-title">Releases</h2>
      <ol className={css['list']} aria-label="Releases">
        {open.releases.slice(0, SHOWN).map((release) => (
          <Row key={release.id} app={open.name} release={release} />
        ))}
      </ol>
    </section>
  );
}

function Row({ app, release }: { readonly app: string; readonly release: Release }): ReactElement {
  const made = new Date(release.createdAt);
  return (
    <li className={css['row']} data-current={release.current}>
      <code className={css['version']}>v{release.version}</code>
      <span className={css['what']} title={release.description}>
        {release.description}
      </span>
      <time className={css['weak']} dateTime={release.createdAt} title={made.toLocaleString()}>
        {made.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
      </time>
      {release.eligibleForRollback ? (
        <button
          type="button"
          aria-label={`Roll back to v${release.version}`}
          onClick={() => {
            void rollback(app, release.version);
          }}
        >
          Roll back
        </button>
      ) : (
        <span className={css['weak']}>{release.current ? 'current' : ''}</span>
      )}
    </li>
  );
}
