import type { ReactElement, ReactNode } from 'react';
import type { ReleaseDiff } from '#shared/model/release-diff.ts';
import { useAnswer } from '../state/use-answer.ts';
import panel from '../ui/panel.module.css';
import { bytes } from '../ui/words.ts';
import css from './release-diff.module.css';

/** What differs between two releases of an app. Config vars by name only. */
export function ReleaseDiffView(props: {
  readonly app: string;
  readonly from: number;
  readonly to: number;
}): ReactElement {
  const { app, from, to } = props;
  const { value, problem } = useAnswer('releases.diff', { app, from, to });
  if (problem !== null) return <p className={panel['problem']}>{problem}</p>;
  if (value === null)
    return (
      <p className={panel['weak']}>
        Comparing v{from} and v{to}
      </p>
    );
  return <Diff diff={value} />;
}

function Diff({ diff }: { readonly diff: ReleaseDiff }): ReactElement {
  const { config } = diff;
  const names = [
    ...config.added.map((name) => ['added', name] as const),
    ...config.removed.map((name) => ['removed', name] as const),
    ...config.changed.map((name) => ['changed', name] as const),
  ];
  return (
    <table className={css['diff']}>
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">What</span>
          </th>
          <th scope="col">v{diff.from}</th>
          <th scope="col">v{diff.to}</th>
        </tr>
      </thead>
      <tbody>
        <Row
          what="Code"
          from={diff.sameSlug ? 'same slug' : short(diff.commit.from)}
          to={diff.sameSlug ? 'same slug' : short(diff.commit.to)}
          same={diff.sameSlug}
        />
        <Row
          what="Slug size"
          from={size(diff.slugBytes.from)}
          to={size(diff.slugBytes.to)}
          same={diff.slugBytes.from === diff.slugBytes.to}
        />
        {diff.language.from !== diff.language.to && (
          <Row what="Language" from={diff.language.from ?? 'none'} to={diff.language.to ?? 'none'} />
        )}
        {diff.stack.from !== diff.stack.to && (
          <Row what="Stack" from={diff.stack.from ?? 'none'} to={diff.stack.to ?? 'none'} />
        )}
        {diff.processTypes.map(({ type, from, to }) => (
          <Row
            key={type}
            what={type}
            from={<code>{from ?? 'not there'}</code>}
            to={<code>{to ?? 'not there'}</code>}
          />
        ))}
        {names.map(([kind, name]) => (
          <Row
            key={name}
            what={<code>{name}</code>}
            from={kind === 'added' ? 'not set' : '••••••'}
            to={kind === 'removed' ? 'not set' : kind === 'changed' ? '•••••• (another value)' : '••••••'}
          />
        ))}
        {names.length === 0 && <Row what="Config vars" from="the same" to="the same" same />}
      </tbody>
    </table>
  );
}

function Row(props: {
  readonly what: ReactNode;
  readonly from: ReactNode;
  readonly to: ReactNode;
  readonly same?: boolean;
}): ReactElement {
  return (
    <tr data-same={props.same === true}>
      <th scope="row">{props.what}</th>
      <td>{props.from}</td>
      <td>{props.to}</td>
    </tr>
  );
}

const short = (commit: string | null): string => commit?.slice(0, 7) ?? 'another slug';
const size = (value: number | null): string => (value === null ? 'no slug' : bytes(value));
