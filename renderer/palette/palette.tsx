import { Dialog } from '@base-ui/react/dialog';
import { type KeyboardEvent, type ReactElement, useEffect, useId, useState } from 'react';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import { type Command, commands, onOpenRequest, requestOpen } from './commands.ts';
import { fuzzyScore } from './fuzzy.ts';
import { keyText } from './key-text.ts';
import css from './palette.module.css';

const MOST_ROWS = 50;

/** Opens the palette. */
export function openPalette(): void {
  requestOpen('palette');
}

/** Everything one can do, found by typing (reference: ui-anchors 3.1). */
export function Palette(): ReactElement {
  const [open, setOpen] = useState(false);
  useEffect(
    () =>
      onOpenRequest((what) => {
        if (what === 'palette') setOpen(true);
      }),
    [],
  );
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className={css['veil']} />
        <Dialog.Popup className={css['popup']} aria-label="Command palette">
          {open && (
            <Content
              onClose={() => {
                setOpen(false);
              }}
            />
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Content({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [asking, setAsking] = useState<Command | null>(null);
  const recent = usePreferences((preferences) => preferences.recentActions);
  const listId = useId();
  const found = asking === null ? search(text, recent) : [];
  const choose = (command: Command): void => {
    if (command.reason !== null) return;
    setPreferences({ recentActions: [command.id, ...recent.filter((id) => id !== command.id)].slice(0, 8) });
    if (command.asks !== undefined && asking === null) {
      setAsking(command);
      setText('');
      return;
    }
    onClose();
    command.run(text);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((at + step + found.length) % Math.max(1, found.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const chosen = asking ?? found[at];
      if (chosen !== undefined) choose(chosen);
    } else if (
      (event.key === 'Backspace' && text === '' && asking !== null) ||
      (event.key === 'Escape' && asking !== null)
    ) {
      event.preventDefault();
      event.stopPropagation();
      setAsking(null);
    }
  };
  return (
    <>
      <input
        className={css['field']}
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls={listId}
        aria-activedescendant={found[at] === undefined ? undefined : `${listId}-${at}`}
        aria-label={asking?.asks?.title ?? 'What to do'}
        placeholder={asking?.asks?.hint ?? 'What do you want to do?'}
        spellCheck={false}
        autoFocus
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      {asking !== null && (
        <p className={css['note']}>
          {asking.asks?.title} of {asking.context}. Enter applies, Escape goes back.
        </p>
      )}
      <div id={listId} role="listbox" aria-label="Commands" className={`${css['list']} quiet-scroll`}>
        {found.map((command, index) => (
          <Row
            key={command.id}
            id={`${listId}-${index}`}
            command={command}
            before={found[index - 1]}
            active={index === at}
            onHover={() => {
              setAt(index);
            }}
            onChoose={() => {
              choose(command);
            }}
          />
        ))}
        {asking === null && found.length === 0 && <p className={css['note']}>Nothing answers to “{text}”.</p>}
      </div>
    </>
  );
}

function Row(props: {
  readonly id: string;
  readonly command: Command;
  readonly before: Command | undefined;
  readonly active: boolean;
  readonly onHover: () => void;
  readonly onChoose: () => void;
}): ReactElement {
  const { command, active } = props;
  return (
    <>
      {props.before?.section !== command.section && (
        <p className={css['section']} role="presentation">
          {command.section}
        </p>
      )}
      <div
        id={props.id}
        role="option"
        aria-selected={active}
        aria-disabled={command.reason !== null}
        ref={(element) => {
          if (active) element?.scrollIntoView({ block: 'nearest' });
        }}
        className={css['row']}
        onPointerMove={() => {
          if (!active) props.onHover();
        }}
        onClick={props.onChoose}
      >
        <span>{command.label}</span>
        <span className={css['weak']}>{command.reason ?? command.context}</span>
        {command.keys !== undefined && <kbd className={css['keys']}>{keyText(command.keys)}</kbd>}
      </div>
    </>
  );
}

/** The best first within each section; without a text what was used last comes first. */
function search(text: string, recent: readonly string[]): Command[] {
  const scored = commands().flatMap((command, index) => {
    const label = fuzzyScore(text, command.label);
    const more = fuzzyScore(text, `${command.keywords} ${command.context}`);
    if (label === null && (more === null || text === '')) return [];
    const last = recent.indexOf(command.id);
    const score =
      text === '' ? -index : Math.max(label ?? -50, (more ?? -50) - 10) + (last < 0 ? 0 : 2 - last * 0.2);
    return [{ command, score }];
  });
  const best = new Map<string, number>();
  for (const { command, score } of scored)
    best.set(command.section, Math.max(best.get(command.section) ?? -1e9, score));
  return scored
    .sort(
      (one, other) =>
        (best.get(other.command.section) ?? 0) - (best.get(one.command.section) ?? 0) ||
        other.score - one.score,
    )
    .map(({ command }) => command)
    .slice(0, MOST_ROWS);
}
