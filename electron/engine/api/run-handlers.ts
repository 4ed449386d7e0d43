import type { Handlers } from '#shared/contract/contract.ts';
import type { Apps } from '../app/apps.ts';
import type { Runs } from '../run/runs.ts';

/** Serves one-off dynos, with and without a terminal, and commands inside dynos. */
export function runHandlers({
  apps,
  runs,
}: {
  readonly apps: Apps;
  readonly runs: Runs;
}): Pick<Handlers, Extract<keyof Handlers, `runs.${string}`>> {
  return {
    'runs.open': ({ app, ...order }, context) => runs.open(apps.find(app), order, context),
    'runs.start': ({ app, ...order }, { user }) => runs.start(apps.find(app), order, user),
    'runs.list': async ({ app }) => ({ runs: runs.list(apps.find(app).id) }),
    'runs.stop': async ({ app, dyno }) => {
      runs.stop(apps.find(app), dyno);
      return {};
    },
    'runs.input': async ({ run, text }) => {
      await runs.input(run, text);
      return {};
    },
    'runs.resize': async ({ run, columns, rows }) => {
      await runs.resize(run, columns, rows);
      return {};
    },
  };
}
