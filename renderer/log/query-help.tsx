import { CircleHelp } from 'lucide-react';
import type { ReactElement } from 'react';
import { setLogSettings } from '../state/preferences.ts';
import { IconButton } from '../ui/button.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';

const EXAMPLES: readonly (readonly [query: string, meaning: string])[] = [
  ['timeout', 'lines with this word'],
  ['"not found"', 'this phrase'],
  ['GET -health', 'GET, but not health'],
  ['source:web.1', 'of one dyno'],
  ['source:worker', 'of a process type'],
  ['stream:stderr', 'standard error'],
  ['level:error', 'lines that say error'],
  ['status:>=500', 'requests that failed'],
  ['/user [0-9]+/', 'a regular expression'],
];

/** Examples of the search language; each can be taken as it is. */
export function QueryHelp({ app }: { readonly app: string }): ReactElement {
  return (
    <Menu
      trigger={
        <IconButton label="What can be searched for">
          <CircleHelp />
        </IconButton>
      }
    >
      {EXAMPLES.map(([query, meaning]) => (
        <MenuItem
          key={query}
          hint={meaning}
          onSelect={() => {
            setLogSettings(app, { query, regex: false });
          }}
        >
          <code>{query}</code>
        </MenuItem>
      ))}
    </Menu>
  );
}
