import type { Handlers } from '#shared/contract/contract.ts';
import type { Apps } from '../app/apps.ts';
import type { Runs } from '../run/runs.ts';

/** Serves one-off dynos with a terminal. */
export function runHandlers({
  apps,
  runs,
}: {
  readonly apps: Apps;
  readonly runs: Runs;
}): Pick<Handlers, 'runs.open' | 'runs.input' | 'runs.resize'> {
  return {
    'runs.open': ({ app, ...order }, context) => runs.open(apps.find(app), order, context),
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
