import { ArrowDownToLine, Ellipsis, Pause, Play } from 'lucide-react';
import type { ReactElement } from 'react';
import { type LogSettings, setLogSettings, setPreferences, usePreferences } from '../state/preferences.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Menu, MenuChoice, MenuItem, MenuLine, MenuToggle } from '../ui/menu.tsx';
import { toast } from '../ui/toasts.tsx';
import { count } from '../ui/words.ts';
import { isSelected, type Selection } from './log-list.tsx';
import { copyText } from './time-text.ts';
import type { LogView } from './use-log-view.ts';
import css from './log-panel.module.css';

/** Pause, follow, and the rest in a menu. */
export function LogTools(props: {
  readonly app: string;
  readonly view: LogView;
  readonly selection: Selection;
}): ReactElement {
  const { app, view } = props;
  const { follow } = view.settings;
  return (
    <div className={css['tools']}>
      <Button
        aria-pressed={view.paused}
        title={view.paused ? 'Show new lines again (P)' : 'Freeze the view; lines are still collected (P)'}
        data-log="pause"
        onClick={() => {
          (view.paused ? view.resume : view.pause)();
        }}
      >
        {view.paused ? <Play /> : <Pause />}
        {view.paused ? `Resume · ${view.waiting.toLocaleString('en')}` : 'Pause'}
      </Button>
      <Button
        role="switch"
        aria-checked={follow}
        className={css['follow'] ?? ''}
        title="Keep the newest line in view (F)"
        onClick={() => {
          setLogSettings(app, { follow: !follow });
        }}
      >
        <ArrowDownToLine /> Follow
      </Button>
      <MoreMenu {...props} />
    </div>
  );
}

function MoreMenu(props: {
  readonly app: string;
  readonly view: LogView;
  readonly selection: Selection;
}): ReactElement {
  const { app, view, selection } = props;
  const { rows } = view;
  const lines = rows.flatMap((row) => (row.kind === 'line' ? [row] : []));
  const copy = (only: (id: number) => boolean, prefix: boolean): void => {
    const chosen = lines.filter((row) => only(row.id)).map((row) => row.facts);
    void navigator.clipboard.writeText(copyText(chosen, prefix)).then(() => {
      toast(`${count(chosen.length, 'line')} copied`);
    });
  };
  return (
    <Menu
      trigger={
        <IconButton label="Log settings">
          <Ellipsis />
        </IconButton>
      }
    >
      <LookMenu app={app} settings={view.settings} />
      <MenuLine />
      <MenuItem
        disabledReason={selection === null ? 'nothing selected' : null}
        onSelect={() => {
          copy((id) => isSelected(selection, id), false);
        }}
      >
        Copy selected lines
      </MenuItem>
      <MenuItem
        onSelect={() => {
          copy(() => true, false);
        }}
      >
        Copy shown lines
      </MenuItem>
      <MenuItem
        onSelect={() => {
          copy(() => true, true);
        }}
      >
        Copy with time and source
      </MenuItem>
      <MenuItem
        onSelect={() => {
          download(
            app,
            copyText(
              lines.map((row) => row.facts),
              true,
            ),
          );
        }}
      >
        Export shown lines
      </MenuItem>
      <MenuLine />
      <MenuItem
        onSelect={() => {
          view.clear();
          toast('The view is cleared; the log itself is kept', view.unclear);
        }}
      >
        Clear view
      </MenuItem>
    </Menu>
  );
}

/** How lines look. */
function LookMenu({ app, settings }: { readonly app: string; readonly settings: LogSettings }): ReactElement {
  const announce = usePreferences((preferences) => preferences.announceLines);
  return (
    <>
      <MenuChoice
        label="Time"
        value={settings.time}
        choices={[
          ['none', 'No time'],
          ['time', 'Local time'],
          ['ms', 'With milliseconds'],
          ['relative', 'How long ago'],
        ]}
        onChoose={(time) => {
          setLogSettings(app, { time });
        }}
      />
      <MenuLine />
      <MenuToggle
        label="Wrap long lines"
        checked={settings.wrap}
        onChange={(wrap) => {
          setLogSettings(app, { wrap });
        }}
      />
      <MenuToggle
        label="Colours of the app"
        checked={settings.colours}
        onChange={(colours) => {
          setLogSettings(app, { colours });
        }}
      />
      <MenuToggle
        label="Read new lines aloud"
        checked={announce}
        onChange={(announceLines) => {
          setPreferences({ announceLines });
        }}
      />
    </>
  );
}

function download(app: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text, '\n'], { type: 'text/plain' }));
  link.download = `${app}-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.log`;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
}
