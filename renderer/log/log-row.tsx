import { memo, type MouseEvent, type ReactElement } from 'react';
import { type LogSettings, setLogSettings } from '../state/preferences.ts';
import { go, pathOf } from '../state/route.ts';
import type { LineFacts } from './line-facts.ts';
import type { LogRow } from './log-rows.ts';
import { LogText, LONGEST_SHOWN } from './log-text.tsx';
import type { Query, Range } from './query.ts';
import { timeText } from './time-text.ts';
import css from './log-row.module.css';

const HUES = 8;
const NO_RANGES: readonly Range[] = [];

/** What a row needs to be drawn. */
export interface RowProps {
  readonly app: string;
  readonly row: LogRow;
  readonly settings: LogSettings;
  readonly query: Query | null;
  readonly selected: boolean;
  /** The match that "next" and "previous" stand on. */
  readonly current: boolean;
  readonly onOpen: (row: LogRow) => void;
  readonly onSelect: (row: LogRow, event: MouseEvent) => void;
}

/** One row: a line, a gap, a release or a new day. */
export const LogRowView = memo(function LogRowView(props: RowProps): ReactElement {
  const { row, app } = props;
  if (row.kind === 'line') return <Line {...props} facts={row.facts} />;
  if (row.kind === 'gap') return <p className={css['gap']}>{gapText(row)}</p>;
  if (row.kind === 'day') {
    return (
      <p className={css['divider']}>
        {new Date(row.at / 1000).toLocaleDateString(undefined, { dateStyle: 'full' })}
      </p>
    );
  }
  return (
    <p className={css['divider']} data-deploy="true">
      <button
        type="button"
        className={css['release']}
        tabIndex={-1}
        onClick={() => {
          go(pathOf(app, 'releases'));
        }}
      >
        Release v{row.version}
      </button>
    </p>
  );
});

function gapText({ count, reason }: { readonly count: number; readonly reason: string }): string {
  const lines = `${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}`;
  if (reason === 'slow') return `${lines} skipped: the view was too slow`;
  if (reason === 'paused') return `${lines} left the view while it was paused`;
  return `${lines} older than what is kept`;
}

function Line(props: RowProps & { readonly facts: LineFacts }): ReactElement {
  const { facts, settings, query, row } = props;
  const { line } = facts;
  const ranges = query === null ? NO_RANGES : query.ranges(facts.plain);
  return (
    <div
      className={css['line']}
      data-stream={line.stream}
      data-level={facts.level}
      data-selected={props.selected}
      data-current={props.current}
      data-wrap={settings.wrap}
      onClick={(event) => {
        props.onSelect(row, event);
      }}
      onDoubleClick={() => {
        props.onOpen(row);
      }}
    >
      {settings.time !== 'none' && (
        <time className={css['time']} title={new Date(line.at / 1000).toISOString()}>
          {timeText(line.at, settings.time)}
        </time>
      )}
      <span className={css['source']} data-hue={hueOf(facts.source)} title={`${line.source}[${line.ps}]`}>
        {facts.source}
      </span>
      <span className={css['text']}>
        {facts.router !== null && ranges.length === 0 ? (
          <RouterText app={props.app} facts={facts} />
        ) : (
          <LogText text={line.text} colours={settings.colours} ranges={ranges} />
        )}
        {facts.plain.length > LONGEST_SHOWN && (
          <button
            type="button"
            className={css['more']}
            tabIndex={-1}
            onClick={() => {
              props.onOpen(row);
            }}
          >
            … show all {facts.plain.length.toLocaleString('en')} characters
          </button>
        )}
      </span>
    </div>
  );
}

/** A router line: what was asked and what came of it. All of its fields are in the line's detail. */
function RouterText({ app, facts }: { readonly app: string; readonly facts: LineFacts }): ReactElement {
  const get = (name: string): string => facts.router?.get(name) ?? '';
  const id = get('request_id');
  return (
    <>
      <span className={css['method']}>{get('method')}</span>
      <span className={css['status']} data-class={get('status')[0]}>
        {get('status')}
      </span>
      <span className={css['service']}>{get('service')}</span>
      <span className={css['path']}>{get('path')}</span>
      {get('code') !== '' && (
        <span className={css['code']}>
          {get('code')} {get('desc')}
        </span>
      )}
      <span className={css['rest']}>
        {get('dyno')} {get('bytes') !== '' && `${get('bytes')} B`}{' '}
      </span>
      {id !== '' && (
        <button
          type="button"
          className={css['request']}
          tabIndex={-1}
          title={`Show every line of request ${id}`}
          onClick={() => {
            setLogSettings(app, {
              ...{ mode: 'filter', regex: false, query: `"${id}"` },
              sources: { except: true, names: [] },
            });
          }}
        >
          {id.slice(0, 8)}
        </button>
      )}
    </>
  );
}

/** The same colour for a source at all times. */
export function hueOf(source: string): number {
  let sum = 7;
  for (const letter of source) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum % HUES;
}
