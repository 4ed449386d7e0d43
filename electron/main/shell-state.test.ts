import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ShellState } from './shell-state.ts';

const SCREEN = { x: 0, y: 0, width: 1000, height: 800 };
const BOUNDS = { x: 10, y: 20, width: 600, height: 400 };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-state-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.restoreAllMocks();
});

describe('what the shell remembers', () => {
  it('is there at the next start, in one private file', () => {
    new ShellState(folder).update({ bounds: BOUNDS, maximized: true, theme: 'dark' });
    const state = new ShellState(folder);
    expect(state.boundsOn([SCREEN])).toEqual(BOUNDS);
    expect(state).toMatchObject({ maximized: true, theme: 'dark' });
    expect(readdirSync(folder)).toEqual(['shell.json']);
    if (process.platform !== 'win32') expect(statSync(join(folder, 'shell.json')).mode & 0o777).toBe(0o600);
  });

  it('leaves a window where it can be reached', () => {
    const state = new ShellState(folder);
    for (const [change, kept] of [
      [{ x: 950 }, false],
      [{ x: -550 }, false],
      [{ x: -450 }, true],
      [{ y: 790 }, false],
      [{ y: -30 }, false],
    ] as const) {
      state.update({ bounds: { ...BOUNDS, ...change } });
      expect(state.boundsOn([SCREEN]) !== null).toBe(kept);
    }
    state.update({ bounds: { ...BOUNDS, x: 1500 } });
    expect(state.boundsOn([SCREEN, { ...SCREEN, x: 1000 }])).not.toBeNull();
  });

  it.each(['', 'no JSON', '[]', '{"bounds":{"x":"far"},"theme":7}'])(
    'survives a file that holds %j',
    (text) => {
      writeFileSync(join(folder, 'shell.json'), text);
      const state = new ShellState(folder);
      expect(state.boundsOn([SCREEN])).toBeNull();
      expect(state).toMatchObject({ maximized: false, theme: 'system' });
    },
  );

  it('does without a disk', () => {
    const said = vi.spyOn(console, 'error').mockReturnValue();
    const state = new ShellState(join(folder, 'missing'));
    state.update({ theme: 'dark' });
    expect(state.theme).toBe('dark');
    expect(said).toHaveBeenCalledOnce();
  });
});
