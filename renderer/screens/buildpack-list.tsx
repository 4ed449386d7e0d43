import { ArrowDown, ArrowUp, X } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { BuildpackRef } from '#shared/model/buildpack.ts';
import { addBuildpack, clearBuildpacks, removeBuildpack, setBuildpacks } from '../actions/buildpacks.ts';
import { useAnswer } from '../state/use-answer.ts';
import { Button, IconButton } from '../ui/button.tsx';
import panel from '../ui/panel.module.css';
import css from './options-dialog.module.css';

/** Which buildpacks an app uses, in their order; each change counts from the next deploy on. */
export function BuildpackList({ app }: { readonly app: string }): ReactElement {
  const { value, problem, reload } = useAnswer('buildpacks.list', { app });
  const list = value?.buildpacks ?? [];
  const change = (done: Promise<boolean>): void => {
    void done.finally(reload);
  };
  const move = (from: number, to: number): void => {
    const moved = list.toSpliced(from, 1).toSpliced(to, 0, ...list.slice(from, from + 1));
    change(setBuildpacks(app, moved));
  };
  return (
    <div className={css['option']}>
      <span className={css['label']} id="buildpacks-label">
        Buildpacks
      </span>
      {problem !== null && <p className={panel['problem']}>{problem}</p>}
      {value !== null && <p className={panel['weak']}>{told(value)}</p>}
      <ol className={css['buildpacks']} aria-labelledby="buildpacks-label">
        {list.map((each, at) => (
          <li key={each}>
            <code>{each}</code>
            <IconButton
              label={`Move ${each} up`}
              disabled={at === 0}
              onClick={() => {
                move(at, at - 1);
              }}
            >
              <ArrowUp />
            </IconButton>
            <IconButton
              label={`Move ${each} down`}
              disabled={at === list.length - 1}
              onClick={() => {
                move(at, at + 1);
              }}
            >
              <ArrowDown />
            </IconButton>
            <IconButton
              label={`Remove ${each}`}
              onClick={() => {
                change(removeBuildpack(app, each));
              }}
            >
              <X />
            </IconButton>
          </li>
        ))}
      </ol>
      <AddBuildpack
        onAdd={(buildpack) => {
          change(addBuildpack(app, buildpack));
        }}
      />
      {list.length === 0 && value?.detected != null && (
        <Button
          look="plain"
          onClick={() => {
            change(clearBuildpacks(app));
          }}
        >
          Detect anew with the next deploy
        </Button>
      )}
    </div>
  );
}

function told(value: {
  readonly buildpacks: readonly string[];
  override: string | null;
  detected: string | null;
}) {
  if (value.override !== null)
    return `The config var BUILDPACK_URL is used in their place: ${value.override}`;
  if (value.buildpacks.length > 0) return 'Each compiles the app in turn; the last says how it is started.';
  return value.detected === null
    ? 'None is set: the next deploy finds one by the app’s files.'
    : `None is set: deploys use ${value.detected}, which the first one found.`;
}

function AddBuildpack({ onAdd }: { readonly onAdd: (buildpack: string) => void }): ReactElement {
  const [text, setText] = useState('');
  const checked = BuildpackRef.safeParse(text);
  return (
    <form
      className={css['add']}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (!checked.success) return;
        onAdd(checked.data);
        setText('');
      }}
    >
      <input
        className={panel['field']}
        aria-label="Buildpack to add"
        placeholder="heroku/nodejs, git URL, .tgz URL or folder"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
        }}
      />
      <Button type="submit" disabled={!checked.success}>
        Add
      </Button>
    </form>
  );
}
