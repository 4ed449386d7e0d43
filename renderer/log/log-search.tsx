import { ArrowDown, ArrowUp, CaseSensitive, ListFilter, Regex, Search, WholeWord, X } from 'lucide-react';
import type { ReactElement, Ref } from 'react';
import { setLogSettings } from '../state/preferences.ts';
import { IconButton } from '../ui/button.tsx';
import { indexOfId } from './log-rows.ts';
import { QueryHelp } from './query-help.tsx';
import type { LogView } from './use-log-view.ts';
import css from './log-search.module.css';

/** The search field: marks and counts, or hides the rest. */
export function LogSearch({
  ref,
  ...props
}: {
  readonly app: string;
  readonly view: LogView;
  readonly ref: Ref<HTMLInputElement>;
  /** Id of the row that the search stands on. */
  readonly at: number | null;
  readonly onJump: (id: number) => void;
}): ReactElement {
  const { app, view, at: current } = props;
  const { settings, matches, queryProblem } = view;
  const step = (by: number): void => {
    const at = current === null ? (by > 0 ? 0 : matches.length - 1) : nextIndex(view, current, by);
    const row = matches[(at + matches.length) % matches.length];
    if (row !== undefined) props.onJump(row.id);
  };
  return (
    <search className={css['search']} data-problem={queryProblem !== null}>
      <Search className={css['icon']} />
      <input
        ref={ref}
        type="search"
        className={css['field']}
        placeholder="Find in log"
        aria-label="Find in log"
        aria-invalid={queryProblem !== null}
        aria-describedby="log-search-note"
        spellCheck={false}
        value={settings.query}
        onChange={(event) => {
          setLogSettings(app, { query: event.target.value });
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && matches.length > 0) step(event.shiftKey ? -1 : 1);
          if (event.key !== 'Escape') return;
          setLogSettings(app, { query: '' });
          document.querySelector<HTMLElement>('[aria-label="App log"]')?.focus();
        }}
      />
      <output id="log-search-note" className={css['note']}>
        {queryProblem ?? countText(view, current)}
      </output>
      {settings.query !== '' && (
        <>
          <IconButton
            label="Previous match (Shift+Enter)"
            disabled={matches.length === 0}
            onClick={() => {
              step(-1);
            }}
          >
            <ArrowUp />
          </IconButton>
          <IconButton
            label="Next match (Enter)"
            disabled={matches.length === 0}
            onClick={() => {
              step(1);
            }}
          >
            <ArrowDown />
          </IconButton>
          <IconButton
            label="Clear search"
            onClick={() => {
              setLogSettings(app, { query: '' });
            }}
          >
            <X />
          </IconButton>
        </>
      )}
      <SearchModes app={app} view={view} />
    </search>
  );
}

/** How the search is read. */
function SearchModes({ app, view }: { readonly app: string; readonly view: LogView }): ReactElement {
  const { settings } = view;
  const toggle = (name: 'matchCase' | 'wholeWord' | 'regex'): void => {
    setLogSettings(app, { [name]: !settings[name] });
  };
  return (
    <span className={css['modes']}>
      <IconButton
        label="Match case"
        aria-pressed={settings.matchCase}
        onClick={() => {
          toggle('matchCase');
        }}
      >
        <CaseSensitive />
      </IconButton>
      <IconButton
        label="Whole words"
        aria-pressed={settings.wholeWord}
        onClick={() => {
          toggle('wholeWord');
        }}
      >
        <WholeWord />
      </IconButton>
      <IconButton
        label="Regular expression"
        aria-pressed={settings.regex}
        onClick={() => {
          toggle('regex');
        }}
      >
        <Regex />
      </IconButton>
      <IconButton
        label="Show only lines that match"
        aria-pressed={settings.mode === 'filter'}
        onClick={() => {
          setLogSettings(app, { mode: settings.mode === 'filter' ? 'highlight' : 'filter' });
        }}
      >
        <ListFilter />
      </IconButton>
      <QueryHelp app={app} />
    </span>
  );
}

function nextIndex({ matches }: LogView, current: number, by: number): number {
  const at = indexOfId(matches, current);
  const stands = matches[at]?.id === current;
  return stands ? at + by : by > 0 ? at : at - 1;
}

function countText({ settings, matches }: LogView, current: number | null): string {
  if (settings.query.trim() === '') return '';
  const at = current === null ? -1 : indexOfId(matches, current);
  const place = matches[at]?.id === current ? `${at + 1} of ` : '';
  return matches.length === 0 ? 'no match' : `${place}${matches.length.toLocaleString('en')}`;
}
