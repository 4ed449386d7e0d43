import type { AppRow } from '../store/rows.ts';
import { ReleaseDyno, type ReleaseDynoContext, releaseProblem } from '../release/release-dyno.ts';
import { type OrderParts, runSpec } from '../run/orders.ts';
import { BuildFailure } from '../slug/failure.ts';
import { step } from '../slug/output-text.ts';
import type { Clock } from '../util/clock.ts';

/** What a postdeploy command needs of the rest of the engine. */
export interface PostdeployOptions extends ReleaseDynoContext, OrderParts {
  readonly clock: Clock;
  /** Names of the app's one-off dynos. */
  runNames(appId: string): ReadonlySet<string>;
}

/**
 * Runs the command that `app.json` wants run once, after the first release, in a one-off dyno (reference: heroku-platform 1.3).
 * Its output goes to the app's log and to `output`.
 * @throws BuildFailure postdeploy_failed
 */
export async function runPostdeploy(
  options: PostdeployOptions,
  app: AppRow,
  command: string,
  output: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  output(step('Running postdeploy of app.json'));
  const spec = runSpec(options, app, { command }, options.runNames(app.id), options.clock.random());
  const dyno = new ReleaseDyno(options, spec, output);
  const stop = (): void => {
    dyno.stop(false);
  };
  signal.addEventListener('abort', stop);
  try {
    const problem = releaseProblem(await dyno.run(), 'the postdeploy command');
    signal.throwIfAborted();
    if (problem === null) return;
    throw new BuildFailure(
      'postdeploy_failed',
      `The app is deployed, but ${problem}. It runs only after an app's first release: once it is mended, run it by hand (slipway run ${command} --app ${app.name}).`,
    );
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
