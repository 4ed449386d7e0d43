import { type ReactElement, useLayoutEffect, useRef, useState } from 'react';
import { formatLogTime, type LogRecord } from '#shared/model/log.ts';
import css from './log-panel.module.css';

const HUES = 8;
/** How near to the end, in pixels, a reader counts as being there. */
const NEAR = 24;

/** The live log. Follows the newest line until the reader scrolls away from it. */
export function LogPanel({ records }: { readonly records: readonly LogRecord[] }): ReactElement {
  const list = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  useLayoutEffect(() => {
    if (follow && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  }, [follow, records]);
  return (
    <section className={css['panel']} aria-label="Log">
      <header className={css['title']}>
        <h2>Log</h2>
        <label className={css['follow']}>
          <input
            type="checkbox"
            checked={follow}
            onChange={(event) => {
              setFollow(event.target.checked);
            }}
          />
          Follow
        </label>
      </header>
      <div
        ref={list}
        className={css['list']}
        role="log"
        aria-label="App log"
        aria-live="off"
        tabIndex={0}
        onScroll={({ currentTarget: box }) => {
          const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
          if (atEnd !== follow) setFollow(atEnd);
        }}
      >
        {records.map((record, index) => (
          <Line key={record.kind === 'line' ? record.seq : `gap ${index}`} record={record} />
        ))}
      </div>
    </section>
  );
}

function Line({ record }: { readonly record: LogRecord }): ReactElement {
  if (record.kind === 'gap') {
    const why = record.reason === 'slow' ? 'the view was too slow' : 'they are older than what is kept';
    return (
      <p className={css['gap']}>
        {record.count} lines are missing: {why}
      </p>
    );
  }
  return (
    <p className={css['line']} data-stream={record.stream}>
      <time className={css['time']}>{formatLogTime(record.at).slice(11, 23)}</time>
      <span className={css['source']} data-hue={hue(record.ps)}>
        {record.ps}
      </span>
      <span className={css['text']}>{record.text}</span>
    </p>
  );
}

function hue(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_536;
  return sum % HUES;
}
