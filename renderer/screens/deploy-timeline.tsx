import { Check, ChevronRight, CircleDashed, LoaderCircle, Minus, X } from 'lucide-react';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { Build, BuildPhase } from '#shared/model/build.ts';
import { cancelBuild } from '../actions/app-actions.ts';
import { redeploy } from '../actions/deploy.ts';
import { LogText } from '../log/log-text.tsx';
import { openStream } from '../state/connection.ts';
import { useWorld } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button } from '../ui/button.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import panel from '../ui/panel.module.css';
import { duration } from '../ui/words.ts';
import { adviceFor, PHASE_TITLES, splitOutput } from './build-text.ts';
import css from './deploy-timeline.module.css';

/** True while a build has a phase to go. */
export function isRunning(build: Build): boolean {
  return build.finishedAt === null;
}

/** A deploy as a row of phases with their times and their output. The one that runs, or failed, stands open. */
export function DeployTimeline(props: {
  readonly build: Build;
  readonly before?: Build | undefined;
  readonly onHide?: () => void;
}): ReactElement {
  const { build } = props;
  const output = useOutput(build);
  const failed = build.phases.find((phase) => phase.state === 'failed')?.name ?? null;
  const parts = splitOutput(output, failed);
  return (
    <section className={panel['panel']} aria-labelledby="deploy-title">
      <PanelTitle id="deploy-title" title={titleOf(build)}>
        <Actions build={build} onHide={props.onHide} />
      </PanelTitle>
      {build.failure !== null && (
        <div className={css['failure']} role="alert">
          <p>
            <strong>{build.failure.message}</strong>
          </p>
          <p>{adviceFor(build.failure.code)}</p>
        </div>
      )}
      <ol className={css['phases']}>
        {build.phases.map((phase) => (
          <Phase key={phase.name} phase={phase} lines={parts.get(phase.name) ?? []} />
        ))}
      </ol>
      <p className={panel['weak']}>{totalText(build, props.before)}</p>
    </section>
  );
}

function titleOf(build: Build): string {
  if (isRunning(build)) return 'Deploying';
  if (build.failure?.code === 'cancelled') return 'Deploy cancelled';
  return build.failure === null ? `Deployed v${build.release ?? ''}` : 'Deploy failed';
}

function Actions({
  build,
  onHide,
}: {
  readonly build: Build;
  readonly onHide: (() => void) | undefined;
}): ReactElement {
  const [cancelling, setCancelling] = useState(false);
  if (isRunning(build)) {
    return (
      <Button
        disabled={cancelling}
        onClick={() => {
          setCancelling(true);
          void cancelBuild(build.app, build.id).finally(() => {
            setCancelling(false);
          });
        }}
      >
        {cancelling ? 'Cancelling' : 'Cancel deploy'}
      </Button>
    );
  }
  return (
    <span className={css['actions']}>
      {build.failure !== null && (
        <Menu trigger={<Button>Try again</Button>}>
          <MenuItem onSelect={() => void redeploy(build.app)}>Try again</MenuItem>
          <MenuItem hint="everything is installed anew" onSelect={() => void redeploy(build.app, true)}>
            Try again without cache
          </MenuItem>
        </Menu>
      )}
      {onHide !== undefined && (
        <Button look="plain" onClick={onHide}>
          Hide
        </Button>
      )}
    </span>
  );
}

function Phase({
  phase,
  lines,
}: {
  readonly phase: BuildPhase;
  readonly lines: readonly string[];
}): ReactElement {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const open = chosen ?? (phase.state === 'running' || phase.state === 'failed');
  const title = PHASE_TITLES[phase.name];
  return (
    <li className={css['phase']} data-state={phase.state}>
      <button
        type="button"
        className={css['head']}
        aria-expanded={open && lines.length > 0}
        disabled={lines.length === 0}
        onClick={() => {
          setChosen(!open);
        }}
      >
        <PhaseIcon state={phase.state} />
        <span className={css['title']}>{title}</span>
        <span className={css['word']}>{phase.state === 'done' ? '' : phase.state}</span>
        <span className={css['time']}>
          {phase.durationMs === undefined ? '' : duration(phase.durationMs)}
        </span>
        <ChevronRight className={css['chevron']} data-open={open} data-empty={lines.length === 0} />
      </button>
      {open && lines.length > 0 && (
        <Output lines={lines} follow={phase.state !== 'done'} name={`Output of: ${title}`} />
      )}
    </li>
  );
}

function PhaseIcon({ state }: { readonly state: BuildPhase['state'] }): ReactElement {
  if (state === 'done') return <Check />;
  if (state === 'failed') return <X />;
  if (state === 'running') return <LoaderCircle className={css['turning']} />;
  return state === 'skipped' ? <Minus /> : <CircleDashed />;
}

const NO_RANGES = [] as const;
/** Lines of one phase that are drawn. */
const MOST_LINES = 2_000;

function Output(props: {
  readonly lines: readonly string[];
  readonly follow: boolean;
  readonly name: string;
}): ReactElement {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (props.follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [props.follow, props.lines.length]);
  return (
    <pre
      ref={box}
      className={`${css['output']} quiet-scroll`}
      tabIndex={0}
      aria-label={props.name}
      role="region"
    >
      {props.lines.slice(-MOST_LINES).map((line, index) => (
        <span key={index} className={css['line']} data-bang={line.startsWith(' !')}>
          <LogText text={line} colours ranges={NO_RANGES} />
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

function totalText(build: Build, before: Build | undefined): string {
  if (build.finishedAt === null) return `Started ${new Date(build.createdAt).toLocaleTimeString()}`;
  const total = lengthOf(build);
  const last =
    before === undefined || before.finishedAt === null || before.failure !== null ? null : lengthOf(before);
  const change =
    last === null
      ? ''
      : `, ${duration(Math.abs(total - last))} ${total > last ? 'longer' : 'less'} than the one before`;
  return `${duration(total)} in all${change}`;
}

function lengthOf(build: Build): number {
  return new Date(build.finishedAt ?? build.createdAt).getTime() - new Date(build.createdAt).getTime();
}

/** Most of a build's output that is shown, in characters. */
const MAX_SHOWN = 2_000_000;
const LEFT_OUT = ' !     What comes before is left out here: the build log is very long.\n';

/** The end of a text that is too long to be shown, from the beginning of a line. */
function newest(text: string): string {
  if (text.length <= MAX_SHOWN) return text;
  const end = text.slice(-MAX_SHOWN / 2);
  return LEFT_OUT + end.slice(end.indexOf('\n') + 1);
}

/** The build's output from its beginning, live. */
function useOutput({ app, id }: Build): string {
  const connected = useWorld((world) => world.connection === 'open');
  const [output, setOutput] = useState({ id, text: '' });
  useEffect(() => {
    if (!connected) return undefined;
    const stop = new AbortController();
    let text = '';
    const read = async (): Promise<void> => {
      for await (const items of openStream('builds.output', { app, build: id }, stop.signal)) {
        text = newest(text + items.map((item) => item.text).join(''));
        setOutput({ id, text });
      }
    };
    void read().catch(() => undefined);
    return () => {
      stop.abort();
    };
  }, [app, id, connected]);
  return output.id === id ? output.text : '';
}
