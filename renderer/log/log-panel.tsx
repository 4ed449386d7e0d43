import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { logOf } from '../state/logs.ts';
import { setLogSettings } from '../state/preferences.ts';
import { toast } from '../ui/toasts.tsx';
import { count } from '../ui/words.ts';
import { Announcer } from './announcer.tsx';
import { isSelected, LogList, type ScrollTo, type Selection } from './log-list.tsx';
import { LogDetail } from './log-detail.tsx';
import { LogEmpty } from './log-empty.tsx';
import { LogGutter } from './log-gutter.tsx';
import { LogSearch } from './log-search.tsx';
import { LogSources } from './log-sources.tsx';
import { LogTools } from './log-tools.tsx';
import { indexOfId, type LogRow } from './log-rows.ts';
import { copyText } from './time-text.ts';
import { type LogView, useLogView } from './use-log-view.ts';
import css from './log-panel.module.css';

/** The live log of an app with all that one needs to read it (reference: ui-anchors 2.1). */
export function LogPanel({ app }: { readonly app: string }): ReactElement {
  const view = useLogView(app);
  const [selection, setSelection] = useState<Selection>(null);
  const [opened, setOpened] = useState<LogRow | null>(null);
  const [match, setMatch] = useState<number | null>(null);
  const scrollTo = useRef<ScrollTo>(null);
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => logOf(app).watch(), [app]);
  const { follow } = view.settings;
  const jump = (id: number): void => {
    setLogSettings(app, { follow: false });
    setMatch(id);
    requestAnimationFrame(() => scrollTo.current?.(id));
  };
  const newRows = useNewRows(view, follow);
  const keys = useLogKeys({ app, view, selection, setSelection, jump, search, open: setOpened });
  return (
    <section className={css['panel']} aria-label="Log" onKeyDown={keys.panel}>
      <header className={css['bar']}>
        <h2 className={css['name']}>Log</h2>
        <LogSearch app={app} view={view} ref={search} at={match} onJump={jump} />
        <LogTools app={app} view={view} selection={selection} />
      </header>
      <LogSources app={app} view={view} />
      <div className={css['body']}>
        <LogList
          {...{ app, view, follow, selection }}
          ref={scrollTo}
          currentMatch={match}
          onSelect={setSelection}
          onOpen={setOpened}
          onKeyDown={keys.list}
        />
        <LogGutter view={view} onJump={jump} />
        {view.rows.length === 0 && <LogEmpty app={app} view={view} />}
        {!follow && newRows > 0 && (
          <button
            type="button"
            className={css['new']}
            onClick={() => {
              setLogSettings(app, { follow: true });
            }}
          >
            ↓ {count(newRows, 'new line')}
          </button>
        )}
      </div>
      {opened !== null && (
        <LogDetail
          app={app}
          row={opened}
          filtered={view.hides}
          onContext={() => {
            setLogSettings(app, { mode: 'highlight', sources: { except: true, names: [] } });
            jump(opened.id);
          }}
          onClose={() => {
            setOpened(null);
          }}
        />
      )}
      <Announcer view={view} />
    </section>
  );
}

/** Rows that came since following ended. */
function useNewRows(view: LogView, follow: boolean): number {
  const [from, setFrom] = useState<number | null>(null);
  const newest = view.rows.at(-1)?.id ?? 0;
  if (follow && from !== null) setFrom(null);
  if (!follow && from === null) setFrom(newest);
  return from === null ? 0 : view.rows.length - indexOfId(view.rows, from + 1);
}

interface KeyParts {
  readonly app: string;
  readonly view: LogView;
  readonly selection: Selection;
  readonly setSelection: (selection: Selection) => void;
  readonly jump: (id: number) => void;
  readonly search: { readonly current: HTMLInputElement | null };
  readonly open: (row: LogRow | null) => void;
}

/** Keys of the panel, and of its list (reference: ui-anchors 4). */
function useLogKeys(parts: KeyParts): {
  panel: (event: KeyboardEvent) => void;
  list: (event: KeyboardEvent) => void;
} {
  const { app, view, selection, setSelection, jump } = parts;
  const move = (step: number, extend: boolean): void => {
    const { rows } = view;
    const at = selection === null ? rows.length - 1 : indexOfId(rows, selection.head) + step;
    const row = rows[Math.max(0, Math.min(rows.length - 1, at))];
    if (row === undefined) return;
    setSelection({ anchor: extend && selection !== null ? selection.anchor : row.id, head: row.id });
    jump(row.id);
  };
  const copy = (prefix: boolean): void => {
    const lines = view.rows.flatMap((row) =>
      row.kind === 'line' && isSelected(selection, row.id) ? [row.facts] : [],
    );
    if (lines.length === 0) return;
    void navigator.clipboard.writeText(copyText(lines, prefix)).then(() => {
      toast(`${count(lines.length, 'line')} copied`);
    });
  };
  return {
    panel(event) {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') {
        event.preventDefault();
        setLogSettings(app, { follow: false });
        parts.search.current?.focus();
        parts.search.current?.select();
      }
    },
    list(event) {
      const command = event.ctrlKey || event.metaKey;
      if (command && event.key.toLowerCase() === 'c') copy(event.shiftKey);
      else if (command && event.key.toLowerCase() === 'a') {
        setSelection({ anchor: view.rows[0]?.id ?? 0, head: view.rows.at(-1)?.id ?? 0 });
      } else if (command || event.altKey) return;
      else if (event.key === 'ArrowUp') move(-1, event.shiftKey);
      else if (event.key === 'ArrowDown') move(1, event.shiftKey);
      else if (event.key === 'End') setLogSettings(app, { follow: true });
      else if (event.key === 'Home') jump(view.rows[0]?.id ?? 0);
      else if (event.key === 'Enter')
        parts.open(view.rows[indexOfId(view.rows, selection?.head ?? 0)] ?? null);
      else if (event.key === 'Escape') setSelection(null);
      else {
        if (event.key === 'PageUp') setLogSettings(app, { follow: false });
        return;
      }
      event.preventDefault();
    },
  };
}
