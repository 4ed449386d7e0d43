import type { ReactElement, ReactNode } from 'react';
import type { App } from '#shared/model/app.ts';
import { ECO_SLEEP_MINUTES } from '#shared/model/options.ts';
import { CNB_STACK, makesImages, StackName, STACKS } from '#shared/model/stack.ts';
import { setAppOptions, setStack } from '../actions/app-actions.ts';
import { purgeCache } from '../actions/buildpacks.ts';
import { Button } from '../ui/button.tsx';
import { Check } from '../ui/check.tsx';
import { Dialog } from '../ui/dialog.tsx';
import panel from '../ui/panel.module.css';
import { Segmented } from '../ui/segmented.tsx';
import { BuildpackList } from './buildpack-list.tsx';
import css from './options-dialog.module.css';

/** Sleep times that are offered, in minutes; `size` leaves it to the dyno size. */
const SLEEPS = [
  ['size', `As the dyno size has it (Eco: after ${ECO_SLEEP_MINUTES} minutes)`],
  ['0', 'Never'],
  ['5', 'After 5 minutes'],
  ['30', 'After 30 minutes'],
  ['60', 'After 1 hour'],
  ['240', 'After 4 hours'],
] as const;

/** How one app is deployed, and when it sleeps; each choice is in force at once. */
export function OptionsDialog({
  app,
  onClose,
}: {
  readonly app: App;
  readonly onClose: () => void;
}): ReactElement {
  const { deployOrder, sleepAfterMinutes, deployOnSave, dynoMetadata } = app.options;
  const sleep = sleepAfterMinutes === null ? 'size' : String(sleepAfterMinutes);
  const known = SLEEPS.some(([value]) => value === sleep);
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Change options of ${app.name}`}
      actions={<Button onClick={onClose}>Done</Button>}
    >
      <div className={css['options']}>
        <Option
          label="Deploy order"
          note={
            deployOrder === 'seamless'
              ? 'Old dynos serve until the new ones are up. A release that never comes up leaves them serving.'
              : 'Old dynos stop as the new ones start. Requests wait meanwhile, and a release that never comes up takes the app down.'
          }
        >
          <Segmented
            label="Deploy order"
            value={deployOrder}
            choices={[
              ['seamless', 'Seamless'],
              ['platform', 'As Heroku does'],
            ]}
            onChoose={(chosen) => void setAppOptions(app.name, { deployOrder: chosen })}
          />
        </Option>
        <Option
          label="Sleep without requests"
          field="option-sleep"
          note="All dynos stop; the next request wakes them and is served once the app is up. Only apps with a single web dyno sleep."
        >
          <select
            id="option-sleep"
            className={panel['field']}
            value={sleep}
            onChange={({ target }) =>
              void setAppOptions(app.name, {
                sleepAfterMinutes: target.value === 'size' ? null : Number(target.value),
              })
            }
          >
            {SLEEPS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
            {!known && <option value={sleep}>After {sleep} minutes</option>}
          </select>
        </Option>
        <Check
          checked={dynoMetadata}
          onChange={(checked) => void setAppOptions(app.name, { dynoMetadata: checked })}
        >
          Tell dynos about app and release (HEROKU_APP_NAME, HEROKU_RELEASE_VERSION, …), from their next start
        </Check>
        <StackChoice app={app} />
        {app.stack === CNB_STACK && <BuilderChoice app={app} />}
        {!makesImages(app.stack) && <BuildpackList app={app.name} />}
        <Option label="Build cache" note="The next deploy fetches and compiles everything anew.">
          <Button onClick={() => void purgeCache(app.name)}>Empty the build cache</Button>
        </Option>
        {app.folder !== null && (
          <Check
            checked={deployOnSave}
            onChange={(checked) => void setAppOptions(app.name, { deployOnSave: checked })}
          >
            Deploy when a file is saved
          </Check>
        )}
      </div>
    </Dialog>
  );
}

/** What each stack is, in a few words. */
const STACK_WORDS: Readonly<Record<StackName, string>> = {
  'slipway-13': 'Debian 13, made on this machine',
  'heroku-24': 'Heroku’s, on Ubuntu 24.04; fetched when it is used first',
  'heroku-22': 'Heroku’s, on Ubuntu 22.04; fetched when it is used first',
  container: 'Docker images, from heroku.yml or a Dockerfile',
  cnb: 'Cloud Native Buildpacks, from a builder image',
};

function StackChoice({ app }: { readonly app: App }): ReactElement {
  return (
    <Option
      label="Stack"
      field="option-stack"
      note="From the next deploy on. Releases keep the stack that they were built on."
    >
      <select
        id="option-stack"
        className={panel['field']}
        value={app.stack}
        onChange={({ target }) => void setStack(app.name, StackName.parse(target.value))}
      >
        {STACKS.map((stack) => (
          <option key={stack} value={stack}>
            {stack}: {STACK_WORDS[stack]}
          </option>
        ))}
      </select>
    </Option>
  );
}

function BuilderChoice({ app }: { readonly app: App }): ReactElement {
  const { builder } = app.options;
  return (
    <Option
      label="Builder"
      field="option-builder"
      note="A Docker image with Cloud Native Buildpacks; fetched when it is used first."
    >
      <input
        id="option-builder"
        className={panel['field']}
        key={builder}
        defaultValue={builder}
        spellCheck={false}
        onBlur={({ target }) => {
          const name = target.value.trim();
          if (name !== builder) void setAppOptions(app.name, { builder: name });
        }}
      />
    </Option>
  );
}

/** What can be chosen, with its name above and what it means below. `field`: id of the one field that it is chosen in. */
function Option({
  label,
  field,
  note,
  children,
}: {
  readonly label: string;
  readonly field?: string;
  readonly note: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className={css['option']}>
      {field === undefined ? (
        <span className={css['label']}>{label}</span>
      ) : (
        <label className={css['label']} htmlFor={field}>
          {label}
        </label>
      )}
      {children}
      <p className={panel['weak']}>{note}</p>
    </div>
  );
}
