import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rectangle } from 'electron';
import * as z from 'zod';

const Bounds = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(200).max(20_000),
  height: z.number().int().min(200).max(20_000),
});

/** What a person may give to `setTheme`. */
export const ThemeName = z.enum(['system', 'light', 'dark']);
export type ThemeName = z.infer<typeof ThemeName>;

const State = z.object({
  bounds: Bounds.nullable().catch(null),
  maximized: z.boolean().catch(false),
  theme: ThemeName.catch('system'),
});
type State = z.infer<typeof State>;

const FIRST: State = { bounds: null, maximized: false, theme: 'system' };

/** What the shell remembers from one start to the next, in the data folder. Losing it costs nothing but a window's place. */
export class ShellState {
  private readonly file: string;
  private state: State;

  constructor(dataFolder: string) {
    this.file = join(dataFolder, 'shell.json');
    this.state = read(this.file);
  }

  get theme(): State['theme'] {
    return this.state.theme;
  }

  get maximized(): boolean {
    return this.state.maximized;
  }

  /** Where the window was, when enough of that is still on a screen to take hold of it. */
  boundsOn(screens: readonly Rectangle[]): Rectangle | null {
    const { bounds } = this.state;
    if (bounds === null) return null;
    const reachable = screens.some(
      ({ x, y, width, height }) =>
        Math.min(bounds.x + bounds.width, x + width) - Math.max(bounds.x, x) >= 100 &&
        bounds.y >= y &&
        bounds.y <= y + height - 50,
    );
    return reachable ? bounds : null;
  }

  /** Remembers a change; a disk that does not take it is no reason to bother anyone. */
  update(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    const temporary = `${this.file}.${randomUUID()}`;
    try {
      writeFileSync(temporary, JSON.stringify(this.state), { mode: 0o600 });
      renameSync(temporary, this.file);
    } catch (error) {
      console.error('window state:', error);
    }
  }
}

function read(file: string): State {
  try {
    return State.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return FIRST;
  }
}
