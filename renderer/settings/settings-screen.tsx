import { type ReactElement, useState } from 'react';
import { BUILD_MINUTES, EngineOptions, MAX_BUILD_MINUTES } from '#shared/model/options.ts';
import { DEFAULT_STACK } from '#shared/model/stack.ts';
import { attempt } from '../actions/app-actions.ts';
import { call } from '../state/connection.ts';
import { desktop } from '../state/host.ts';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { useAnswer } from '../state/use-answer.ts';
import { useWorld } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button } from '../ui/button.tsx';
import { Check } from '../ui/check.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import panel from '../ui/panel.module.css';
import { Segmented } from '../ui/segmented.tsx';
import { StateDot } from '../ui/state-dot.tsx';
import { toast } from '../ui/toasts.tsx';
import { ago, bytes } from '../ui/words.ts';
import { HttpsPanel } from './https-panel.tsx';
import { Line } from './settings-line.tsx';
import css from './settings-screen.module.css';

/** What Slipway runs on, what it keeps, and how it looks. */
export function SettingsScreen(): ReactElement {
  return (
    <div className={css['screen']}>
      <h1>Settings</h1>
      <Appearance />
      <RuntimePanel />
      <DynoOptions />
      <HttpsPanel />
      <Disk />
      <Commands />
    </div>
  );
}

function Appearance(): ReactElement {
  const { theme, density, letterKeys } = usePreferences();
  return (
    <section className={panel['panel']} aria-labelledby="appearance-title">
      <PanelTitle id="appearance-title" title="Appearance" />
      <Line label="Theme">
        <Segmented
          label="Theme"
          value={theme}
          choices={[
            ['system', 'System'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
          onChoose={(chosen) => {
            setPreferences({ theme: chosen });
          }}
        />
      </Line>
      <Line label="Density">
        <Segmented
          label="Density"
          value={density}
          choices={[
            ['comfortable', 'Comfortable'],
            ['compact', 'Compact'],
          ]}
          onChoose={(chosen) => {
            setPreferences({ density: chosen });
          }}
        />
      </Line>
      <Line label="Shortcuts">
        <Check
          checked={letterKeys}
          onChange={(checked) => {
            setPreferences({ letterKeys: checked });
          }}
        >
          Single letters are shortcuts outside of text fields
        </Check>
      </Line>
    </section>
  );
}

function RuntimePanel(): ReactElement {
  const system = useWorld((world) => world.system);
  const syncedAt = useWorld((world) => world.syncedAt);
  if (system === null) return <p className={panel['weak']}>The engine has not answered yet.</p>;
  const { runtime } = system;
  const docker = runtime.kind === 'docker';
  return (
    <section className={panel['panel']} aria-labelledby="runtime-title">
      <PanelTitle id="runtime-title" title="Where dynos run" />
      <Line label="Runtime">
        <p className={css['row']}>
          <StateDot state={!runtime.available ? 'crashed' : docker ? 'up' : 'idle'} />
          <strong>{docker ? runtime.version : `Plain processes, ${runtime.version}`}</strong>
        </p>
        {!runtime.available && <p>It does not answer. Start Docker; Slipway finds it again by itself.</p>}
        {runtime.notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
        {!docker && (
          <p>
            Dynos share the files and the network of this machine. For dynos apart from each other, as on the
            platform, install and start Docker, then start Slipway again.
          </p>
        )}
      </Line>
      <Line label="Apps at">
        <code>{system.routerUrl.replace('localhost', 'APP.localhost')}</code>
      </Line>
      <Line label="API and this UI">
        <code>{system.apiUrl}</code>
      </Line>
      <Line label="Stack of new apps">
        <code>{DEFAULT_STACK}</code>
      </Line>
      <Line label="Data folder">
        <span className={css['row']}>
          <code>{system.home}</code>
          <CopyButton text={system.home} label="Copy path" />
          {desktop !== null && (
            <Button look="plain" onClick={() => void desktop?.showInFolder(system.home)}>
              Show
            </Button>
          )}
        </span>
      </Line>
      <Line label="Machine">
        {system.cpus} cores, {(system.memory.totalMiB / 1024).toFixed(1)} GB memory,{' '}
        {(system.memory.freeMiB / 1024).toFixed(1)} GB free
      </Line>
      <Line label="Version">
        Slipway {system.version}, started {ago(system.startedAt)}
        {syncedAt !== null && `, last read ${ago(syncedAt)}`}
      </Line>
    </section>
  );
}

const WAITS = {
  short: 'At once, then after 1, 2, 5, 10, 20 and 30 seconds.',
  heroku: 'At once, then after up to 20, 40, 60, 180 and 320 minutes, as on the platform.',
} as const;

const BuildMinutes = EngineOptions.shape.buildMinutes;

function DynoOptions(): ReactElement {
  const { value: known, problem, reload } = useAnswer('system.options', {});
  const [chosen, setChosen] = useState<Partial<EngineOptions>>({});
  const change = (options: Partial<EngineOptions>): void => {
    setChosen((before) => ({ ...before, ...options }));
    void attempt('The options were not changed', async () => {
      await call('system.setOptions', options);
    }).then((done) => {
      if (!done) setChosen({});
      reload();
    });
  };
  const value = known === null ? null : { ...known, ...chosen };
  return (
    <section className={panel['panel']} aria-labelledby="dynos-title">
      <PanelTitle id="dynos-title" title="Dynos and builds" />
      {problem !== null && <p className={panel['problem']}>{problem}</p>}
      {value !== null && (
        <>
          <Line label="After a crash">
            {value.fixed.includes('restartPolicy') ? (
              <p>
                <code>SLIPWAY_RESTART={value.restartPolicy}</code> of this start holds it.
              </p>
            ) : (
              <Segmented
                label="Start again after a crash"
                value={value.restartPolicy}
                choices={[
                  ['short', 'Within seconds'],
                  ['heroku', 'As Heroku does'],
                ]}
                onChoose={(restartPolicy) => {
                  change({ restartPolicy });
                }}
              />
            )}
            <p className={panel['weak']}>{WAITS[value.restartPolicy]}</p>
          </Line>
          <Line label="Daily restart">
            <Check
              checked={value.dailyCycling}
              onChange={(dailyCycling) => {
                change({ dailyCycling });
              }}
            >
              Replace every dyno once a day, as on the platform
            </Check>
          </Line>
          <Line label="Longest build">
            <label className={css['row']}>
              <input
                type="number"
                className={panel['field']}
                min={1}
                max={MAX_BUILD_MINUTES}
                value={value.buildMinutes}
                onChange={({ target }) => {
                  const { success, data } = BuildMinutes.safeParse(target.valueAsNumber);
                  if (success) change({ buildMinutes: data });
                }}
              />
              minutes; the platform gives {BUILD_MINUTES}
            </label>
          </Line>
        </>
      )}
    </section>
  );
}

function Disk(): ReactElement {
  const { value: use, problem, reload } = useAnswer('system.disk', {});
  const [busy, setBusy] = useState(false);
  const cleanUp = (): void => {
    setBusy(true);
    void attempt('The disk was not cleaned up', async () => {
      const { freedBytes } = await call('system.cleanUp', {});
      reload();
      toast(`${bytes(freedBytes)} freed`);
    }).finally(() => {
      setBusy(false);
    });
  };
  const total = use?.parts.reduce((sum, part) => sum + part.bytes, 0) ?? 0;
  return (
    <section className={panel['panel']} aria-labelledby="disk-title">
      <PanelTitle id="disk-title" title="Disk">
        <Button disabled={use === null || busy} onClick={cleanUp}>
          {busy ? 'Cleaning up' : 'Clean up'}
        </Button>
      </PanelTitle>
      {problem !== null && <p className={panel['problem']}>{problem}</p>}
      {use === null && problem === null && <p className={panel['weak']}>Measuring</p>}
      {use?.parts.map((part) => (
        <Line key={part.name} label={part.name}>
          <span className={css['row']}>
            <span className={css['bar']}>
              <span style={{ width: `${(100 * part.bytes) / Math.max(1, total)}%` }} />
            </span>
            {bytes(part.bytes)}
            {part.removable && <span className={panel['weak']}>can be made anew</span>}
          </span>
        </Line>
      ))}
      {use !== null && (
        <p className={panel['weak']}>
          {bytes(total)} in all; the disk has {bytes(use.freeBytes)} free. Clean up removes only what can be
          made anew.
        </p>
      )}
    </section>
  );
}

function Commands(): ReactElement {
  const commands = [
    'npm run slipway -- deploy FOLDER',
    'npm run slipway -- logs --tail -a APP',
    'npm run slipway -- env',
  ];
  return (
    <section className={panel['panel']} aria-labelledby="commands-title">
      <PanelTitle id="commands-title" title="Command line" />
      <p className={panel['weak']}>
        The same engine from a terminal, in Slipway’s own folder. The last command prints the settings that
        other tools need.
      </p>
      {commands.map((command) => (
        <p key={command}>
          <span className={panel['command']}>
            <code>{command}</code>
            <CopyButton text={command} label={`Copy ${command}`} />
          </span>
        </p>
      ))}
    </section>
  );
}
