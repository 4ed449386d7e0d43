import type { OneOffDyno } from '#shared/model/run.ts';
import type { Detached } from './detached.ts';
import type { OneOff } from './one-off.ts';

/** One on a terminal, as people see it. */
export function viewOfAttached(run: OneOff): OneOffDyno {
  return view(run.order, run, true);
}

/** One without a terminal, as people see it. */
export function viewOfDetached(run: Detached): OneOffDyno {
  return view(run.facts, run, false);
}

function view(
  { id, name, command, size, release }: Pick<OneOffDyno, 'id' | 'name' | 'command' | 'size' | 'release'>,
  { state, startedAt }: { readonly state: OneOffDyno['state']; readonly startedAt: number },
  attached: boolean,
): OneOffDyno {
  return { id, name, command, state, attached, size, release, startedAt: new Date(startedAt).toISOString() };
}
