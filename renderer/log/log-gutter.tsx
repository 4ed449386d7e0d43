import { type ReactElement, useMemo } from 'react';
import type { LogRow } from './log-rows.ts';
import type { LogView } from './use-log-view.ts';
import css from './log-panel.module.css';

/** Places of the gutter; rows that fall on one place share a mark. */
const PLACES = 200;

/** Marks beside the scroll bar: matches, errors, releases. A click goes there. */
export function LogGutter({
  view,
  onJump,
}: {
  readonly view: LogView;
  readonly onJump: (id: number) => void;
}): ReactElement {
  const { rows, query } = view;
  const marks = useMemo(() => {
    const found = new Map<number, { readonly kind: string; readonly id: number; readonly rank: number }>();
    for (const [index, row] of rows.entries()) {
      const kind = markOf(row, query !== null && row.kind === 'line' && query.matches(row.facts));
      if (kind === null) continue;
      const place = Math.floor((index * PLACES) / rows.length);
      if ((found.get(place)?.rank ?? -1) < kind[1])
        found.set(place, { kind: kind[0], rank: kind[1], id: row.id });
    }
    return [...found];
  }, [rows, query]);
  return (
    <div className={css['gutter']} aria-hidden="true">
      {marks.map(([place, { kind, id }]) => (
        <span
          key={place}
          className={css['mark']}
          data-kind={kind}
          style={{ top: `${(100 * place) / PLACES}%` }}
          onClick={() => {
            onJump(id);
          }}
        />
      ))}
    </div>
  );
}

function markOf(row: LogRow, matches: boolean): [kind: string, rank: number] | null {
  if (matches) return ['match', 2];
  if (row.kind === 'deploy') return ['deploy', 1];
  return row.kind === 'line' && row.facts.level === 'error' ? ['error', 0] : null;
}
