import { Minus, Plus, RotateCw } from 'lucide-react';
import { type ReactElement, useRef, useState } from 'react';
import type { Dyno, FormationEntry } from '#shared/model/app.ts';
import { DYNO_SIZES, findSize, sizeText } from '#shared/model/size.ts';
import { restart, scale } from '../actions/app-actions.ts';
import { setLogSettings } from '../state/preferences.ts';
import { type OpenApp, useWorld } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import panel from '../ui/panel.module.css';
import { StateDot, stateWord } from '../ui/state-dot.tsx';
import { count } from '../ui/words.ts';
import css from './formation.module.css';

/** Most dynos that the slider offers; the number field takes more. */
const SLIDER_MAX = 10;

/** A row for each process type: how many dynos are wanted, and how those that exist are. */
export function Formation({ open }: { readonly open: OpenApp }): ReactElement {
  const { formation } = open;
  return (
    <section className={panel['panel']} aria-labelledby="formation-title">
      <PanelTitle id="formation-title" title="Formation">
        {open.dynos.length > 0 && (
          <Button look="plain" onClick={() => void restart(open.name)}>
            <RotateCw /> Restart all dynos
          </Button>
        )}
      </PanelTitle>
      {formation?.length === 0 && (
        <p className={panel['weak']}>
          Process types appear here with the first deploy: one row for each, with a slider.
        </p>
      )}
      <ul className={css['types']} aria-label="Dynos">
        {formation?.map((entry) => (
          <li key={entry.type}>
            <Row open={open} entry={entry} />
          </li>
        ))}
      </ul>
      <Memory open={open} />
    </section>
  );
}

function Row({ open, entry }: { readonly open: OpenApp; readonly entry: FormationEntry }): ReactElement {
  const dynos = open.dynos.filter((dyno) => dyno.type === entry.type);
  const [draft, setDraft] = useState<number | null>(null);
  const [asksZero, setAsksZero] = useState(false);
  const max = Math.min(findSize(entry.size)?.maxDynos ?? 100, 100);
  const apply = (quantity: number): void => {
    setDraft(null);
    if (!Number.isInteger(quantity) || quantity < 0 || quantity === entry.quantity) return;
    if (quantity === 0 && entry.type === 'web') setAsksZero(true);
    else void scale(open.name, { type: entry.type, quantity: Math.min(quantity, max) });
  };
  const shown = draft ?? entry.quantity;
  return (
    <div className={css['row']} role="group" aria-label={`Process type ${entry.type}`}>
      <div className={css['what']}>
        <span className={css['type']}>{entry.type}</span>
        <code className={css['command']} title={entry.command}>
          {entry.command}
        </code>
      </div>
      <Slider
        entry={entry}
        shown={shown}
        max={Math.min(max, Math.max(SLIDER_MAX, entry.quantity))}
        up={dynos.filter(isUp).length}
        onDraft={setDraft}
        onApply={apply}
      />
      <Count entry={entry} shown={shown} max={max} onDraft={setDraft} onApply={apply} />
      <SizePicker app={open.name} entry={entry} />
      <Dots app={open.name} entry={entry} dynos={dynos} draft={draft} />
      <ZeroDialog
        app={open.name}
        open={asksZero}
        onClose={() => {
          setAsksZero(false);
        }}
      />
    </div>
  );
}

const isUp = (dyno: Dyno): boolean => dyno.state === 'up';

interface QuantityProps {
  readonly entry: FormationEntry;
  readonly shown: number;
  readonly max: number;
  readonly onDraft: (quantity: number | null) => void;
  readonly onApply: (quantity: number) => void;
}

/** Wait for further key presses before a value counts, in milliseconds. */
const KEYS_SETTLE = 300;

/** The fill is what runs; the ring of the knob is what is wanted. Dragging previews, letting go applies. */
function Slider({
  entry,
  shown,
  max,
  up,
  onDraft,
  onApply,
}: QuantityProps & { readonly up: number }): ReactElement {
  const settle = useRef(0);
  const share = (quantity: number): string => `${(100 * Math.min(quantity, max)) / Math.max(max, 1)}%`;
  return (
    <div className={css['slider']}>
      <div className={css['track']}>
        <div className={css['wanted']} style={{ width: share(shown) }} />
        <div className={css['actual']} style={{ width: share(Math.min(up, shown)) }} />
        {Array.from({ length: max <= 10 ? max + 1 : 11 }, (_, tick) => (
          <span
            key={tick}
            className={css['tick']}
            style={{ left: `${(100 * tick) / (max <= 10 ? Math.max(max, 1) : 10)}%` }}
          />
        ))}
      </div>
      <input
        type="range"
        className={css['range']}
        aria-label={`${entry.type} dynos`}
        aria-valuetext={`${shown} of ${count(max, `${entry.type} dyno`)}`}
        min={0}
        max={max}
        value={Math.min(shown, max)}
        onChange={(event) => {
          onDraft(event.target.valueAsNumber);
        }}
        onPointerUp={(event) => {
          onApply(event.currentTarget.valueAsNumber);
        }}
        onKeyUp={({ key, currentTarget }) => {
          if (key === 'Tab') return;
          window.clearTimeout(settle.current);
          settle.current = window.setTimeout(() => {
            onApply(currentTarget.valueAsNumber);
          }, KEYS_SETTLE);
        }}
        onBlur={(event) => {
          window.clearTimeout(settle.current);
          onApply(event.currentTarget.valueAsNumber);
        }}
      />
    </div>
  );
}

function Count({ entry, shown, max, onDraft, onApply }: QuantityProps): ReactElement {
  return (
    <div className={css['count']}>
      <IconButton
        label={`One ${entry.type} dyno less`}
        disabled={entry.quantity === 0}
        onClick={() => {
          onApply(entry.quantity - 1);
        }}
      >
        <Minus />
      </IconButton>
      <input
        type="number"
        className={css['number']}
        aria-label={`${entry.type} dyno count`}
        data-scale={entry.type}
        min={0}
        max={max}
        value={Number.isNaN(shown) ? '' : shown}
        onChange={(event) => {
          onDraft(event.target.valueAsNumber);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onApply(event.currentTarget.valueAsNumber);
          if (event.key === 'Escape') onDraft(null);
        }}
        onBlur={(event) => {
          onApply(event.currentTarget.valueAsNumber);
        }}
      />
      <IconButton
        label={`One ${entry.type} dyno more`}
        disabled={entry.quantity >= max}
        onClick={() => {
          onApply(entry.quantity + 1);
        }}
      >
        <Plus />
      </IconButton>
    </div>
  );
}

function SizePicker({ app, entry }: { readonly app: string; readonly entry: FormationEntry }): ReactElement {
  const machineMiB = useWorld((world) => world.system?.runtime.machine.memoryMiB);
  return (
    <select
      className={css['size']}
      aria-label={`${entry.type} dyno size`}
      value={entry.size}
      onChange={(event) => void scale(app, { type: entry.type, size: event.target.value })}
    >
      {DYNO_SIZES.map((size) => (
        <option key={size.name} value={size.name}>
          {sizeText(size, machineMiB ?? size.memoryMiB)}
        </option>
      ))}
    </select>
  );
}

function Dots(props: {
  readonly app: string;
  readonly entry: FormationEntry;
  readonly dynos: readonly Dyno[];
  readonly draft: number | null;
}): ReactElement {
  const { app, entry, dynos, draft } = props;
  const stats = useWorld((world) => world.stats?.dynos);
  const up = dynos.filter(isUp).length;
  const perDyno = findSize(entry.size)?.memoryMiB ?? 512;
  const preview =
    draft === null || draft === entry.quantity
      ? `${up} of ${entry.quantity} up`
      : `${entry.quantity} → ${draft}, ${draft > entry.quantity ? 'up to ' : 'frees '}${Math.abs(draft - entry.quantity) * perDyno} MB${draft > entry.quantity ? ' more' : ''}`;
  return (
    <div className={css['dots']}>
      <ul className={css['list']} aria-label={`${entry.type} dynos, one by one`}>
        {dynos.map((dyno) => {
          const memory = stats?.find((each) => each.dyno === dyno.id)?.memoryMiB;
          const label = `${dyno.name} ${stateWord(dyno.state)}${memory === undefined ? '' : `, ${Math.round(memory)} MB`}`;
          return (
            <li key={dyno.id}>
              <button
                type="button"
                className={css['dyno']}
                title={`${label}. Click to see only its log.`}
                aria-label={label}
                onClick={() => {
                  setLogSettings(app, { sources: { except: false, names: [dyno.name] } });
                }}
              >
                <StateDot state={dyno.state} />
              </button>
            </li>
          );
        })}
      </ul>
      <span className={panel['weak']} aria-live="polite">
        {preview}
      </span>
    </div>
  );
}

function ZeroDialog(props: {
  readonly app: string;
  readonly open: boolean;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Dialog
      open={props.open}
      onClose={props.onClose}
      title={`Stop all web dynos of ${props.app}?`}
      description="Nobody answers its requests then; the router sends error H14 until a web dyno runs again."
      actions={
        <>
          <Button onClick={props.onClose}>Keep them</Button>
          <Button
            look="danger"
            onClick={() => {
              props.onClose();
              void scale(props.app, { type: 'web', quantity: 0 });
            }}
          >
            Stop web dynos
          </Button>
        </>
      }
    />
  );
}

/** Memory of the app's dynos against the machine's. */
function Memory({ open }: { readonly open: OpenApp }): ReactElement | null {
  const stats = useWorld((world) => world.stats);
  const app = useWorld((world) => world.apps?.find((each) => each.name === open.name)?.id);
  if (stats === null || open.formation?.length === 0) return null;
  const used = stats.dynos.filter((dyno) => dyno.app === app).reduce((sum, dyno) => sum + dyno.memoryMiB, 0);
  const total = stats.machine.totalMiB;
  return (
    <div className={css['memory']}>
      <span>
        Dynos use <strong>{Math.round(used)} MB</strong>; the machine has{' '}
        {(stats.machine.freeMiB / 1024).toFixed(1)} of {(total / 1024).toFixed(0)} GB free
      </span>
      <meter
        className={css['meter']}
        min={0}
        max={total}
        value={total - stats.machine.freeMiB}
        aria-label="Memory of the machine in use"
      />
    </div>
  );
}
