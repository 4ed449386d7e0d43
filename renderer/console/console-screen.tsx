import { lazy, type FormEvent, type ReactElement, Suspense, useState } from 'react';
import type { OpenApp } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button } from '../ui/button.tsx';
import panel from '../ui/panel.module.css';
import { startRun } from './run-actions.ts';
import { RunList } from './run-list.tsx';
import css from './console-screen.module.css';

const Terminal = lazy(() => import('./terminal.tsx'));

/** One-off dynos: a command in a terminal of its own, with the code and config vars of the current release. */
export function ConsoleScreen({ open }: { readonly open: OpenApp }): ReactElement {
  const [command, setCommand] = useState('bash');
  const [background, setBackground] = useState(false);
  const [run, setRun] = useState<{ readonly id: number; readonly command: string } | null>(null);
  const hasCode = open.releases?.some((release) => release.slug !== null) === true;
  const start = (event: FormEvent): void => {
    event.preventDefault();
    if (command.trim() === '') return;
    if (background) void startRun(open.name, command);
    else setRun((before) => ({ id: (before?.id ?? 0) + 1, command }));
  };
  return (
    <div className={css['screen']}>
      <section className={`${panel['panel']} ${css['panel']}`} aria-labelledby="console-title">
        <PanelTitle id="console-title" title="Console">
          <span className={panel['weak']}>A one-off dyno, which ends with its command.</span>
        </PanelTitle>
        {open.releases !== null && !hasCode && (
          <p className={panel['weak']}>There is no code to run yet: deploy first.</p>
        )}
        <form className={css['form']} onSubmit={start}>
          <input
            className={`${panel['field']} mono`}
            aria-label="Command"
            spellCheck={false}
            value={command}
            onChange={(event) => {
              setCommand(event.target.value);
            }}
          />
          <Button type="submit" look="main" disabled={!hasCode}>
            Run
          </Button>
          {run !== null && (
            <Button
              onClick={() => {
                setRun(null);
              }}
            >
              Close terminal
            </Button>
          )}
        </form>
        <label className={css['where']}>
          <input
            type="checkbox"
            checked={background}
            onChange={(event) => {
              setBackground(event.target.checked);
            }}
          />
          In the background
          <span className={panel['weak']}>no terminal, output to the log</span>
        </label>
        <RunList app={open.name} runs={open.runs} />
        {run === null ? (
          <p className={panel['weak']}>
            For example <code>bash</code>, <code>node -e "console.log(process.env.DYNO)"</code>, or a process
            type such as <code>worker</code>.
          </p>
        ) : (
          <Suspense fallback={<p className={panel['weak']}>Opening the terminal</p>}>
            <Terminal key={run.id} app={open.name} command={run.command} />
          </Suspense>
        )}
      </section>
    </div>
  );
}
