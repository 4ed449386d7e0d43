import { type ReactElement, useState } from 'react';
import type { Release } from '#shared/model/release.ts';
import { askRollback, retryRelease } from '../actions/app-actions.ts';
import type { OpenApp } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button } from '../ui/button.tsx';
import panel from '../ui/panel.module.css';
import { ago, bytes } from '../ui/words.ts';
import { DeployTimeline } from './deploy-timeline.tsx';
import { ReleaseDiffView } from './release-diff.tsx';
import css from './releases-screen.module.css';

/** The ledger: who changed what and when, what differs between any two, and the way back. */
export function ReleasesScreen({ open }: { readonly open: OpenApp }): ReactElement {
  const { name, releases, builds } = open;
  const [picked, setPicked] = useState<readonly number[]>([]);
  const [shownBuild, setShownBuild] = useState<string | null>(null);
  const largest = Math.max(1, ...(releases ?? []).map((release) => release.slug?.size ?? 0));
  const [older, newer] = [...picked].sort((one, other) => one - other);
  const build = builds.find((each) => each.id === shownBuild);
  return (
    <div className={css['screen']}>
      <section className={panel['panel']} aria-labelledby="releases-title">
        <PanelTitle id="releases-title" title="Releases">
          <span className={panel['weak']}>
            {picked.length === 0
              ? 'Tick two to compare them'
              : picked.length === 1
                ? 'Tick one more to compare'
                : ''}
          </span>
        </PanelTitle>
        <ol className={css['list']} aria-label="Releases">
          {releases?.map((release) => (
            <Row
              key={release.id}
              release={release}
              largest={largest}
              picked={picked.includes(release.version)}
              build={builds.find((each) => each.release === release.version)?.id ?? null}
              onPick={() => {
                setPicked((before) => toggle(before, release.version));
              }}
              onRollback={() => {
                askRollback(name, release.version);
              }}
              onRetry={() => void retryRelease(name, release.version)}
              onBuild={setShownBuild}
            />
          ))}
        </ol>
      </section>
      {older !== undefined && newer !== undefined && (
        <section className={panel['panel']} aria-labelledby="diff-title">
          <PanelTitle id="diff-title" title={`From v${older} to v${newer}`}>
            <Button
              look="plain"
              onClick={() => {
                setPicked([]);
              }}
            >
              Close
            </Button>
          </PanelTitle>
          <ReleaseDiffView app={name} from={older} to={newer} />
        </section>
      )}
      {build !== undefined && (
        <DeployTimeline
          build={build}
          onHide={() => {
            setShownBuild(null);
          }}
        />
      )}
    </div>
  );
}

/** What is to be said of a release that did not simply succeed. */
const STATUS_WORDS: Partial<Record<Release['status'], string>> = {
  pending: 'release command running',
  failed: 'failed',
  expired: 'slug removed',
};

/** Keeps the last two. */
function toggle(picked: readonly number[], version: number): readonly number[] {
  return picked.includes(version)
    ? picked.filter((each) => each !== version)
    : [...picked, version].slice(-2);
}

function Row(props: {
  readonly release: Release;
  readonly largest: number;
  readonly picked: boolean;
  readonly build: string | null;
  readonly onPick: () => void;
  readonly onRollback: () => void;
  readonly onRetry: () => void;
  readonly onBuild: (build: string) => void;
}): ReactElement {
  const { release, build } = props;
  const { slug } = release;
  return (
    <li
      className={css['row']}
      data-current={release.current}
      aria-current={release.current ? 'true' : undefined}
    >
      <input
        type="checkbox"
        aria-label={`Compare v${release.version}`}
        checked={props.picked}
        onChange={props.onPick}
      />
      <code className={css['version']}>v{release.version}</code>
      <span className={css['what']}>
        {release.description}
        {release.current && <span className={css['badge']}>current</span>}
        {release.problem !== null && (
          <span className={css['badge']} data-look="failed" title={release.problem}>
            never came up
          </span>
        )}
        {STATUS_WORDS[release.status] !== undefined && (
          <span className={css['badge']} data-look={release.status}>
            {STATUS_WORDS[release.status]}
          </span>
        )}
      </span>
      <span className={css['size']} title={slug === null ? 'no slug' : `slug of ${bytes(slug.size)}`}>
        {slug !== null && (
          <>
            <span className={css['bar']}>
              <span style={{ width: `${(100 * slug.size) / props.largest}%` }} />
            </span>
            {bytes(slug.size)}
          </>
        )}
      </span>
      <span className={css['who']} title={new Date(release.createdAt).toLocaleString()}>
        {release.user}, {ago(release.createdAt)}
      </span>
      <span className={css['actions']}>
        {build !== null && (
          <Button
            look="plain"
            onClick={() => {
              props.onBuild(build);
            }}
          >
            Build log
          </Button>
        )}
        {release.status === 'failed' && (
          <Button onClick={props.onRetry} title="Runs its release command again, as a new release">
            Try v{release.version} again
          </Button>
        )}
        {release.eligibleForRollback && (
          <Button onClick={props.onRollback}>Roll back to v{release.version}</Button>
        )}
      </span>
    </li>
  );
}
