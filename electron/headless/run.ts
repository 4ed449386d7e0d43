import { SlipwayError } from '#shared/errors.ts';
import { readSettings } from '#engine/settings.ts';
import { whenLeftAlone } from '../left-alone.ts';
import { readyLine } from './ready-line.ts';
import { startServedEngine, stderrDiagnostics } from './serve-engine.ts';

/** Runs engine and host until a signal ends them; the process's exit code is set. */
export async function runHeadless(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  try {
    const settings = readSettings(env);
    const { engine, host } = await startServedEngine(settings);
    stopOnSignal(async () => {
      await host.close();
      await engine.close('stop');
    });
    console.log(readyLine(engine, host.port, host.newUiUrl()));
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    console.error(`slipway: ${error.message}`);
    process.exitCode = 1;
  }
}

/** The first SIGTERM or SIGINT, or the end of npm, stops in order, the second at once. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    console.error('Stopping: dynos get SIGTERM and up to 30 seconds. Once more to stop at once.');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        stderrDiagnostics.problem('stopping', error);
        process.exit(1);
      },
    );
  };
  whenLeftAlone(onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
