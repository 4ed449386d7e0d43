import type { ReactElement } from 'react';
import type { FormationEntry } from '#shared/model/app.ts';
import { StateDot, stateWord } from '../components/state-dot.tsx';
import { restartAll, scale } from '../state/actions.ts';
import type { OpenApp } from '../state/world.ts';
import css from './formation.module.css';

/** Most dynos that the slider offers; the number field takes more. */
const SLIDER_MAX = 10;

/** A row for each process type: how many dynos are wanted, and how those that exist are. */
export function Formation({ open }: { readonly open: OpenApp }): ReactElement {
  return (
    <section className={css['panel']} aria-labelledby="formation-title">
      <header className={css['title']}>
        <h2 id="formation-title">Formation</h2>
        {open.dynos.length > 0 && (
          <button
            type="button"
            onClick={() => {
              void restartAll(open.name);
            }}
          >
            Restart all dynos
          </button>
        )}
      </header>
      {open.formation.length === 0 && (
        <p className={css['weak']}>Process types appear with the first release.</p>
      )}
      {open.formation.map((entry) => (
        <Row key={entry.type} open={open} entry={entry} />
      ))}
    </section>
  );
}

function Row({ open, entry }: { readonly open: OpenApp; readonly entry: FormationEntry }): ReactElement {
  const dynos = open.dynos.filter((dyno) => dyno.type === entry.type);
  const set = (quantity: number): void => {
    if (Number.isInteger(quantity) && quantity >= 0) void scale(open.name, entry.type, quantity);
  };
  return (
    <div className={css['row']}>
      <span className={css['type']}>{entry.type}</span>
      <input
        type="range"
        aria-label={`${entry.type} dynos`}
        aria-valuetext={`${entry.quantity} ${entry.type} ${entry.quantity === 1 ? 'dyno' : 'dynos'}`}
        min={0}
        max={Math.max(SLIDER_MAX, entry.quantity)}
        value={entry.quantity}
        onChange={(event) => {
          set(event.target.valueAsNumber);
        }}
      />
      <Count entry={entry} set={set} />
      <span className={css['weak']}>{entry.size}</span>
      <code className={css['command']} title={entry.command}>
        {entry.command}
      </code>
      <span className={css['dots']}>
        {dynos.map((dyno) => (
          <StateDot key={dyno.id} state={dyno.state} label={`${dyno.name} ${stateWord(dyno.state)}`} />
        ))}
      </span>
    </div>
  );
}

function Count(props: {
  readonly entry: FormationEntry;
  readonly set: (quantity: number) => void;
}): ReactElement {
  const { entry, set } = props;
  return (
    <div className={css['count']}>
      <button
        type="button"
        aria-label={`One ${entry.type} dyno less`}
        onClick={() => {
          set(entry.quantity - 1);
        }}
      >
        −
      </button>
      <input
        type="number"
        aria-label={`${entry.type} dyno count`}
        min={0}
        max={100}
        value={entry.quantity}
        onChange={(event) => {
          set(event.target.valueAsNumber);
        }}
      />
      <button
        type="button"
        aria-label={`One ${entry.type} dyno more`}
        onClick={() => {
          set(entry.quantity + 1);
        }}
      >
        +
      </button>
    </div>
  );
}
