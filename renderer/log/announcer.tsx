import { type ReactElement, useEffect, useRef, useState } from 'react';
import { indexOfId } from './log-rows.ts';
import type { LogView } from './use-log-view.ts';

/** Shortest time between two announcements, in milliseconds (reference: ui-anchors 5). */
const EVERY = 5_000;

/** Tells a screen reader now and then how much has come, instead of reading every line. */
export function Announcer({ view }: { readonly view: LogView }): ReactElement {
  const [text, setText] = useState('');
  const newest = useRef(view.rows);
  useEffect(() => {
    newest.current = view.rows;
  });
  useEffect(() => {
    let told = newest.current.at(-1)?.id ?? 0;
    const timer = setInterval(() => {
      const rows = newest.current;
      const added = rows.slice(indexOfId(rows, told + 1)).filter((row) => row.kind === 'line');
      told = rows.at(-1)?.id ?? told;
      if (added.length === 0) return;
      const errors = added.filter((row) => row.kind === 'line' && row.facts.level === 'error').length;
      setText(
        `${added.length} new lines${errors === 0 ? '' : `, ${errors} ${errors === 1 ? 'error' : 'errors'}`}`,
      );
    }, EVERY);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <span role="status" className="visually-hidden">
      {text}
    </span>
  );
}
