import { attempt } from '../actions/app-actions.ts';
import { call } from '../state/connection.ts';
import { setLogSettings } from '../state/preferences.ts';
import { go, pathOf } from '../state/route.ts';
import { updateOpen } from '../state/world.ts';
import { toast } from '../ui/toasts.tsx';

/** Starts a command in a one-off dyno without a terminal. */
export function startRun(app: string, command: string): Promise<boolean> {
  return attempt(`The command was not started on ${app}`, async () => {
    const run = await call('runs.start', { app, command });
    toast(`${run.name} runs in the background`);
  });
}

/** Asks a one-off dyno to end; shown at once, corrected by the answer. */
export function stopRun(app: string, name: string): Promise<boolean> {
  return attempt(`${name} was not stopped`, async () => {
    updateOpen(app, ({ runs }) => ({
      runs: runs.map((run) => (run.name === name ? { ...run, state: 'stopping' } : run)),
    }));
    try {
      await call('runs.stop', { app, dyno: name });
    } catch (error) {
      const { runs } = await call('runs.list', { app });
      updateOpen(app, () => ({ runs }));
      throw error;
    }
  });
}

/** Goes to the lines of a dyno. */
export function showLines(app: string, name: string): void {
  setLogSettings(app, { sources: { except: false, names: [name] } });
  go(pathOf(app, 'logs'));
}
