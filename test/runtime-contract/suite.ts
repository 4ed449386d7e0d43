import { afterAll, beforeAll, describe } from 'vitest';
import { buildContract } from './build-contract.ts';
import { dynoContract } from './dyno-contract.ts';
import { insideContract } from './inside-contract.ts';
import { outputContract } from './output-contract.ts';
import { packContract } from './pack-contract.ts';
import { runContract } from './run-contract.ts';
import { recoveryContract } from './recovery-contract.ts';
import { sourceContract } from './source-contract.ts';
import { stageContract } from './stage-contract.ts';
import { LIMIT, never, type RuntimeWorld, STACK } from './world.ts';

/** What the groups of tests share. */
export interface ContractContext {
  /** The runtime under test; only in tests. */
  readonly world: () => RuntimeWorld;
  /** An app id that is destroyed when all tests have run. */
  readonly app: () => string;
}

/**
 * Registers the tests of every promise that `Runtime` makes, against the real thing.
 * @param name names the runtime in the report
 * @param open makes a runtime over state of its own
 */
export function runtimeContract(name: string, open: () => Promise<RuntimeWorld>): void {
  describe(`runtime contract: ${name}`, () => {
    let world: RuntimeWorld | undefined;
    const apps: string[] = [];
    const context: ContractContext = {
      world() {
        if (world === undefined) throw new Error('the runtime is not open yet');
        return world;
      },
      app() {
        const id = `contract-${String(process.pid)}-${String(apps.length)}-${Date.now().toString(36)}`;
        apps.push(id);
        return id;
      },
    };

    beforeAll(async () => {
      world = await open();
      await world.runtime.prepare(STACK, () => undefined, never);
    }, 15 * 60_000);

    afterAll(async () => {
      if (world === undefined) return;
      for (const app of apps) await world.runtime.destroyApp(app, []);
      await world.close();
    }, LIMIT);

    describe('builds', () => {
      buildContract(context);
    });
    describe('sources by difference', () => {
      sourceContract(context);
    });
    describe('pack', () => {
      packContract(context);
    });
    describe('staging', () => {
      stageContract(context);
    });
    describe('dynos', () => {
      dynoContract(context);
    });
    describe('output', () => {
      outputContract(context);
    });
    describe('one-off dynos', () => {
      runContract(context);
    });
    describe('inside dynos', () => {
      insideContract(context);
    });
    describe('recovery and removal', () => {
      recoveryContract(context);
    });
  });
}
