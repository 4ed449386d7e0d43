import type { Finding } from './measure.ts';
import type { World } from './world.ts';

/** How thorough a run is: `short` beside other tests, `full` by `npm run faults`. */
export type Scale = 'short' | 'full';

/** Something that goes wrong, and what must hold then. */
export interface Fault {
  readonly name: string;
  /** Takes minutes, so only the full run has it. */
  readonly fullOnly?: boolean;
  /** Makes it and measures; `broken` of the finding names promises that were not kept. */
  run(world: World, scale: Scale): Promise<Finding>;
}

/** Faults that share a world. */
export interface FaultGroup {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** Why they cannot be made here, printed, or null when they can. */
  whyNot(): string | null;
  open(): Promise<{ readonly world: World; close(): Promise<void> }>;
}
