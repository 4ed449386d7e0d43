import type { OneOffDyno } from '#shared/model/run.ts';
import type { Detached } from './detached.ts';
import type { OneOff } from './one-off.ts';

/** One on a terminal, as people see it. */
export function viewOfAttached({ order, state, startedAt }: OneOff): OneOffDyno {
  const { id, name, command, size, release } = order;
  return {
    id,
    name,
    command,
    state,
    attached: true,
    size,
    release,
    startedAt: new Date(startedAt).toISOString(),
  };
}

/** One without a terminal, as people see it. */
export function viewOfDetached({ facts, state, startedAt }: Detached): OneOffDyno {
  const { id, name, command, size, release } = facts;
  return {
    id,
    name,
    command,
    state,
    attached: false,
    size,
    release,
    startedAt: new Date(startedAt).toISOString(),
  };
}
