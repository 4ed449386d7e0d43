import type { FaultGroup } from '../support/fault.ts';
import { WITH_OTHER_CLOCK } from './clock.ts';
import { ON_OWN_DOCKER } from './docker-daemon.ts';
import { ON_DOCKER } from './dynos.ts';
import { ON_SMALL_DISK } from './full-disk.ts';

/** Every fault that is made, with what it needs. */
export const FAULT_GROUPS: readonly FaultGroup[] = [
  ON_OWN_DOCKER,
  ON_SMALL_DISK,
  WITH_OTHER_CLOCK,
  ON_DOCKER,
];
