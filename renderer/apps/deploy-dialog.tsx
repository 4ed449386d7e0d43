import { FolderOpen } from 'lucide-react';
import { type FormEvent, type ReactElement, useRef, useState } from 'react';
import type { Inspection } from '#shared/model/source.ts';
import { AppName } from '#shared/model/names.ts';
import {
  closeDeployDialog,
  deploySample,
  chooseFolder,
  startFromDialog,
  takeContents,
  takeFolder,
  useDeployDialog,
} from '../actions/deploy.ts';
import { readPickedFolder } from '../actions/dropped-files.ts';
import { desktop } from '../state/host.ts';
import { useAnswer } from '../state/use-answer.ts';
import { useWorld } from '../state/world.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import panel from '../ui/panel.module.css';
import { bytes, count } from '../ui/words.ts';
import css from './deploy-dialog.module.css';

/** From a folder to a deploy: choose, see what it is, name it, go. */
export function DeployDialogView(): ReactElement {
  const dialog = useDeployDialog();
  const taken = (useWorld((world) => world.apps) ?? []).map((each) => each.name);
  const { app, inspection, name, vars, busy, source } = dialog;
  const nameProblem = app !== null || inspection === null ? null : problemOfName(name, taken);
  const ready =
    source !== null &&
    inspection !== null &&
    nameProblem === null &&
    !busy &&
    inspection.problems.length === 0 &&
    (app !== null || inspection.env.every((each) => !isNeeded(each) || (vars[each.name] ?? '') !== ''));
  return (
    <Dialog
      open={dialog.open}
      onClose={closeDeployDialog}
      title={app === null ? 'Deploy folder' : `Deploy folder to ${app}`}
      actions={
        <>
          <Button onClick={closeDeployDialog}>Cancel</Button>
          <Button look="main" disabled={!ready} onClick={() => void startFromDialog()}>
            Deploy
          </Button>
        </>
      }
    >
      {source === null && !busy && dialog.progress === null && <Choose app={app} />}
      {dialog.label !== '' && (
        <p className={css['label']}>
          <FolderOpen /> <code>{dialog.label}</code>
        </p>
      )}
      {dialog.progress !== null && dialog.progress < 1 && (
        <label className={css['progress']}>
          Uploading {Math.round(dialog.progress * 100)} %
          <progress max={1} value={dialog.progress} />
        </label>
      )}
      {inspection === null && busy && dialog.progress === null && (
        <p className={panel['weak']}>Looking at the folder</p>
      )}
      {inspection !== null && <Findings inspection={inspection} />}
      {inspection !== null && (
        <form
          className={css['name']}
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            if (ready) void startFromDialog();
          }}
        >
          {app === null ? (
            <label>
              Name of the app
              <input
                className={panel['field']}
                value={name}
                autoFocus
                spellCheck={false}
                aria-invalid={nameProblem !== null}
                onChange={(event) => {
                  useDeployDialog.setState({ name: event.target.value });
                }}
              />
            </label>
          ) : (
            <p>
              A new release of <strong>{app}</strong>.{' '}
              <Button
                look="plain"
                onClick={() => {
                  useDeployDialog.setState({ app: null, name: inspection.suggestedName });
                }}
              >
                Make a new app instead
              </Button>
            </p>
          )}
          {nameProblem !== null && <p className={panel['problem']}>{nameProblem}</p>}
          {app === null && <AskedVars env={inspection.env} vars={vars} />}
        </form>
      )}
      {dialog.problem !== null && (
        <p className={panel['problem']} role="alert">
          {dialog.problem}
        </p>
      )}
    </Dialog>
  );
}

type AskedVar = Inspection['env'][number];

/** Whether a person has to give a value: nobody else does. */
function isNeeded({ value, required, secret }: AskedVar): boolean {
  return required && !secret && value === null;
}

/** Fields for the config vars that a new app's `app.json` asks for. */
function AskedVars({
  env,
  vars,
}: {
  readonly env: readonly AskedVar[];
  readonly vars: Readonly<Record<string, string>>;
}): ReactElement {
  return (
    <>
      {env.map((each) => (
        <label key={each.name}>
          <span>
            <code>{each.name}</code> {each.description}
          </span>
          <input
            className={panel['field']}
            aria-label={each.name}
            autoComplete="off"
            spellCheck={false}
            required={isNeeded(each)}
            placeholder={hintOf(each)}
            value={vars[each.name] ?? ''}
            onChange={({ target }) => {
              useDeployDialog.setState({ vars: { ...vars, [each.name]: target.value } });
            }}
          />
        </label>
      ))}
    </>
  );
}

function hintOf({ value, secret, required }: AskedVar): string {
  if (value !== null) return value;
  if (secret) return 'made at random';
  return required ? 'needed' : 'not needed';
}

function problemOfName(name: string, taken: readonly string[]): string | null {
  if (taken.includes(name)) return `There is an app ${name} already.`;
  const checked = AppName.safeParse(name);
  return checked.success ? null : `${checked.error.issues[0]?.message ?? 'This is no name'}.`;
}

function Findings({ inspection }: { readonly inspection: Inspection }): ReactElement {
  const { language, processTypes, problems, commit } = inspection;
  return (
    <>
      <dl className={css['findings']}>
        <dt>Language</dt>
        <dd>{language ?? 'not recognised'}</dd>
        <dt>Size</dt>
        <dd>
          {count(inspection.files, 'file')}, {bytes(inspection.bytes)}
        </dd>
        {commit !== null && (
          <>
            <dt>Commit</dt>
            <dd>
              <code>{commit.slice(0, 7)}</code>
            </dd>
          </>
        )}
        <dt>Process types</dt>
        <dd>
          {processTypes.length === 0
            ? 'no Procfile: the buildpack chooses'
            : processTypes.map(({ type, command }) => (
                <p key={type}>
                  <strong>{type}</strong> <code>{command}</code>
                </p>
              ))}
        </dd>
      </dl>
      {problems.length > 0 && (
        <ul className={css['problems']} aria-label="What stands in the way">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function Choose({ app }: { readonly app: string | null }): ReactElement {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div className={css['choose']}>
      <p className={panel['weak']}>Drag a project folder into the window, or choose it.</p>
      <Button
        onClick={() => {
          if (desktop === null) picker.current?.click();
          else void chooseFolder(app);
        }}
      >
        <FolderOpen /> Choose folder
      </Button>
      {desktop === null && (
        <>
          <input
            ref={(input) => {
              input?.setAttribute('webkitdirectory', '');
              picker.current = input;
            }}
            type="file"
            hidden
            aria-label="Folder to upload"
            onChange={(event) => {
              const { files } = event.target;
              if (files !== null && files.length > 0) void takeContents(readPickedFolder(files), app);
            }}
          />
          <PathField app={app} />
        </>
      )}
      {app === null && <SampleLinks />}
    </div>
  );
}

/** Apps to try Slipway out with. */
function SampleLinks(): ReactElement | null {
  const samples = useAnswer('samples.list', {}).value?.samples ?? [];
  if (samples.length === 0) return null;
  return (
    <p className={css['samples']}>
      <span className={panel['weak']}>or a sample:</span>
      {samples.map(({ name, title }) => (
        <Button
          key={name}
          look="plain"
          onClick={() => {
            closeDeployDialog();
            void deploySample(name);
          }}
        >
          {title}
        </Button>
      ))}
    </p>
  );
}

/** A path on the engine's machine, completed while typing. */
function PathField({ app }: { readonly app: string | null }): ReactElement {
  const [path, setPath] = useState('');
  const parent = path.slice(0, path.lastIndexOf('/') + 1);
  const found = useAnswer('sources.folders', { path: parent }).value;
  const folders = found?.folders.map((folder) => `${found.path.replace(/\/$/, '')}/${folder}`) ?? [];
  return (
    <form
      className={css['path']}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (path.trim() !== '') void takeFolder(path.trim(), app);
      }}
    >
      <label>
        or a folder on the machine that Slipway runs on
        <input
          className={`${panel['field']} mono`}
          list="folders"
          placeholder="/home/you/projects/shop"
          spellCheck={false}
          value={path}
          onChange={(event) => {
            setPath(event.target.value);
          }}
        />
      </label>
      <datalist id="folders">
        {folders.map((folder) => (
          <option key={folder} value={folder} />
        ))}
      </datalist>
      <Button type="submit" disabled={path.trim() === ''}>
        Look
      </Button>
    </form>
  );
}
