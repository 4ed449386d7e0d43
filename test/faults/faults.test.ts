import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_GROUPS } from './catalogue/all.ts';
import type { FaultGroup } from './support/fault.ts';
import { cells } from './support/table.ts';
import { closeWorlds } from './support/world.ts';

afterAll(closeWorlds);

for (const group of FAULT_GROUPS) {
  describe.skipIf(group.whyNot() !== null)(`faults: ${group.name}`, () => {
    let open: Awaited<ReturnType<FaultGroup['open']>> | null = null;

    beforeAll(async () => {
      open = await group.open();
    });
    afterAll(async () => {
      await open?.close();
    });

    for (const fault of group.faults) {
      it.skipIf(fault.fullOnly === true)(
        fault.fullOnly === true ? `${fault.name}: only by "npm run faults", it takes minutes` : fault.name,
        async () => {
          if (open === null) throw new Error('there is no world');
          await open.world.refresh();
          const finding = await fault.run(open.world, 'short');
          console.log(cells(fault.name, finding).join(' | '));
          expect(finding.broken).toEqual([]);
        },
      );
    }
  });
}
