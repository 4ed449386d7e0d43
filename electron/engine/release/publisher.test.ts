import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlipwayError } from '#shared/errors.ts';
import { Apps } from '../app/apps.ts';
import { APP, type DynoWorld, dynoWorld, settled } from '../dyno/testing.ts';
import type { FormationRow } from '../store/rows.ts';
import { FactHub } from '../util/facts.ts';
import { type Published, ReleaseFailed, ReleasePublisher } from './publisher.ts';
import { RELEASE_TIMERS } from './release-dyno.ts';

const COMMAND = { web: 'node server.js', release: 'rake db:migrate' };
const NAME = 'release.1000';

interface World extends DynoWorld {
  readonly publisher: ReleasePublisher;
  readonly apps: Apps;
  readonly output: string[];
  /** Adds a release of code. */
  deploy(types?: Record<string, string>): Published;
}

function publisherOf(world: DynoWorld, apps: Apps): ReleasePublisher {
  const { store, ledger, clock, runtime, manager, options, lines } = world;
  return new ReleasePublisher({
    ...options,
    ...{ store, ledger, apps, clock, runtime: runtime.runtime, dynos: manager, facts: new FactHub() },
    timers: RELEASE_TIMERS,
    apiLog: (_app, text) => lines.push(`api: ${text}`),
  });
}

async function world(formation?: readonly FormationRow[]): Promise<World> {
  const base = await dynoWorld({}, formation);
  const { store, ledger, clock, manager } = base;
  const apps = new Apps({ store, ledger, clock, routerPort: () => 1, dynos: () => [] });
  await manager.start();
  const publisher = publisherOf(base, apps);
  const output: string[] = [];
  return Object.assign(base, {
    ...{ publisher, apps, output },
    deploy: (types: Record<string, string> = COMMAND) =>
      publisher.add(() => base.addRelease(types), { user: 'ann', onText: (text) => output.push(text) }),
  });
}

const status = (of: DynoWorld, version: number) => of.store.findRelease(APP.id, version)?.status;
const lastCommand = (of: DynoWorld) => [...of.runtime.specs.values()].findLast((spec) => spec.name === NAME);
const names = (of: DynoWorld): string[] => [...of.runtime.dynos.values()].map((dyno) => dyno.name);

test('a release without a command is in force at once', async () => {
  await using shop = await world();
  const { release, done } = shop.deploy({ web: 'node server.js' });
  await done;
  await settled();
  expect([release.status, names(shop)]).toEqual(['succeeded', ['web.1']]);
});

test('a release with a command is pending until that succeeded; then its dynos start', async () => {
  await using shop = await world();
  const { release, done } = shop.deploy();
  await settled();
  expect([release.status, names(shop), shop.ledger.current(APP.id).version]).toEqual(['pending', [NAME], 2]);
  const [spec] = [...shop.runtime.specs.values()];
  expect(spec).toMatchObject({ type: 'release', release: 3, env: { DYNO: NAME } });
  shop.runtime.print(NAME, 'migrated\n');
  shop.runtime.exit(NAME, 0);
  await done;
  await settled();
  expect([status(shop, 3), names(shop), shop.output]).toEqual(['succeeded', ['web.1'], ['migrated\n']]);
  expect(shop.printed).toEqual([`${NAME}: migrated\n`]);
  expect(shop.lines.slice(0, 7)).toEqual([
    'api: Deploy by user ann',
    'api: Running release v3 commands by user ann',
    `${NAME}: Starting process with command \`rake db:migrate\``,
    `${NAME}: State changed from starting to up`,
    `${NAME}: Process exited with status 0`,
    `${NAME}: State changed from up to complete`,
    'api: Release v3 created by user ann',
  ]);
});

test('the formation that the first code asks for is in force with its release; later ones change nothing', async () => {
  await using shop = await world([]);
  const [web, worker] = [
    { type: 'web', quantity: 2, size: 'Standard-2X' },
    { type: 'worker', quantity: 3, size: 'Standard-1X' },
  ];
  const types = { ...COMMAND, worker: 'node worker.js' };
  const deploy = (formation: FormationRow[]) =>
    shop.publisher.add(() => shop.addRelease(types), { user: 'ann', formation });
  const { done } = deploy([web, worker]);
  await settled();
  expect(shop.store.formation(APP.id)).toEqual([]);
  shop.runtime.exit(NAME, 0);
  await done;
  await settled();
  expect(shop.store.formation(APP.id)).toEqual([web, worker]);
  expect(shop.lines).toContain('api: Scaled to web@2:Standard-2X worker@3:Standard-1X by user ann');
  expect(names(shop)).toEqual(['web.1', 'web.2', 'worker.1', 'worker.2', 'worker.3']);
  const second = deploy([{ ...web, quantity: 5 }]);
  await settled();
  shop.runtime.exit(NAME, 0);
  await second.done;
  expect(shop.store.formation(APP.id)).toEqual([web, worker]);
});

test('a release whose command fails changes nothing, and is no target for a rollback', async () => {
  await using shop = await world();
  await shop.deploy({ web: 'node server.js' }).done;
  await settled();
  const { done } = shop.deploy();
  await settled();
  shop.runtime.exit(NAME, 7);
  await expect(done).rejects.toThrow(new ReleaseFailed('its release command ended with exit code 7'));
  await settled();
  expect([status(shop, 4), shop.ledger.current(APP.id).version, names(shop)]).toEqual([
    'failed',
    3,
    ['web.1'],
  ]);
  expect(shop.lines.at(-1)).toBe(
    'api: Release v4 failed: its release command ended with exit code 7. Nothing of it is deployed',
  );
  expect(() => shop.ledger.rollback(APP.id, 4, 'ann')).toThrow('it failed');
});

test('config changes and rollbacks run the command as well, with the config of the new release', async () => {
  await using shop = await world();
  const first = shop.deploy();
  await settled();
  shop.runtime.exit(NAME, 0);
  await first.done;
  const change = shop.publisher.add(() => shop.ledger.configure(APP.id, { MODE: 'new' }, 'ann'), {
    user: 'ann',
  });
  await settled();
  expect(lastCommand(shop)?.env).toEqual({ MODE: 'new', DYNO: NAME });
  expect(shop.ledger.current(APP.id).config).toEqual({});
  shop.runtime.exit(NAME, 0);
  await change?.done;
  expect(shop.ledger.current(APP.id).config).toEqual({ MODE: 'new' });
  const back = shop.publisher.add(() => shop.ledger.rollback(APP.id, 3, 'ann'), { user: 'ann' });
  await settled();
  shop.runtime.exit(NAME, 1);
  await expect(back.done).rejects.toThrow(ReleaseFailed);
  expect(shop.ledger.current(APP.id)).toMatchObject({ version: 4, config: { MODE: 'new' } });
});

test('while a command runs no other release is made; a deploy can wait for its end', async () => {
  await using shop = await world();
  const { done } = shop.deploy();
  await settled();
  expect(() =>
    shop.publisher.add(() => shop.ledger.configure(APP.id, { A: '1' }, 'ann'), { user: 'ann' }),
  ).toThrow('The release command of v3 (Deploy) is running.');
  const abort = new AbortController();
  const given = shop.publisher.idle(APP.id, abort.signal);
  abort.abort();
  await expect(given).rejects.toThrow();
  const idle = shop.publisher.idle(APP.id, new AbortController().signal);
  shop.runtime.exit(NAME, 0);
  await Promise.all([done, idle]);
});

test('after an hour it gets SIGTERM, then SIGKILL, and has failed', async () => {
  await using shop = await world();
  shop.runtime.ignoresTerm = true;
  const { done } = shop.deploy();
  await settled();
  await shop.clock.pass(3_600_000 - 1);
  expect(shop.runtime.signals).toEqual([]);
  await shop.clock.pass(30_001);
  await expect(done).rejects.toThrow('its release command took longer than an hour');
  expect(shop.runtime.signals).toEqual([`${NAME} SIGTERM`, `${NAME} SIGKILL`]);
  expect(status(shop, 3)).toBe('failed');
});

test('the end of the engine, a cancelled build and a destroyed app end it', async () => {
  for (const how of ['close', 'stop', 'abandon'] as const) {
    await using shop = await world();
    const { done } = shop.deploy();
    await settled();
    if (how === 'stop') shop.publisher.stop(APP.id);
    else await shop.publisher[how](APP.id);
    await expect(done).rejects.toThrow('its release command was stopped before its end');
    expect([status(shop, 3), names(shop)]).toEqual(['failed', []]);
    expect(shop.runtime.signals).toEqual(how === 'abandon' ? [] : [`${NAME} SIGTERM`]);
  }
});

test('one that cannot be started has failed', async () => {
  await using shop = await world();
  shop.runtime.startProblem = new Error('The disk is full.');
  await expect(shop.deploy().done).rejects.toThrow('could not be run: The disk is full.');
  expect(shop.lines.at(-2)).toBe(
    `${NAME}: Error R99 (Platform error) -> The dyno could not be started: The disk is full.`,
  );
  expect([status(shop, 3), shop.problems]).toEqual(['failed', []]);
});

test('what an engine before left pending has failed, and its command is neither started again nor left running', async () => {
  await using shop = await world();
  shop.deploy().done.catch(() => undefined);
  await settled();
  const next = await dynoWorld({ store: shop.store, runtime: shop.runtime.runtime });
  publisherOf({ ...shop, lines: next.lines }, shop.apps).recover();
  await next.manager.start();
  await settled();
  expect([status(shop, 3), names(shop), shop.runtime.specs.size]).toEqual(['failed', [], 1]);
  expect(next.lines).toEqual([
    'api: Release v3 failed: Slipway ended while its release command ran. Nothing of it is deployed',
  ]);
  await next[Symbol.asyncDispose]();
});

test('release is not part of the formation: only its size can be set', async () => {
  await using shop = await world();
  const { done } = shop.deploy();
  await settled();
  shop.runtime.exit(NAME, 0);
  await done;
  expect(shop.apps.formation(APP.id).map((entry) => entry.type)).toEqual(['web']);
  expect(() => shop.apps.scale(APP.id, [{ type: 'release', quantity: 1 }])).toThrow(
    'Type release cannot be scaled: its command runs once for each release.',
  );
  shop.apps.scale(APP.id, [{ type: 'release', size: 'Standard-2X' }]);
  shop.deploy().done.catch(() => undefined);
  await settled();
  expect(lastCommand(shop)?.size.name).toBe('Standard-2X');
});

test('a failed release is tried again as a new one, with its code and config; no other can be', async () => {
  await using shop = await world();
  const { done } = shop.deploy();
  await settled();
  shop.runtime.exit(NAME, 1);
  await expect(done).rejects.toThrow(ReleaseFailed);
  const again = shop.publisher.add(() => shop.ledger.retry(APP.id, undefined, 'bea'), { user: 'bea' });
  await settled();
  expect(again.release).toMatchObject({ version: 4, description: 'Retry of v3: Deploy', status: 'pending' });
  shop.runtime.exit(NAME, 0);
  await again.done;
  await settled();
  expect([status(shop, 3), status(shop, 4), names(shop)]).toEqual(['failed', 'succeeded', ['web.1']]);
  expect(() => shop.ledger.retry(APP.id, 4, 'bea')).toThrow('v4 cannot be tried again: it succeeded.');
  expect(() => shop.ledger.retry(APP.id, 9, 'bea')).toThrow('there is no such release');
});

const anyStep = fc.constantFrom('deploy', 'config', 'rollback', 'retry', 'succeed', 'fail', 'kill', 'wait');

test('whatever happens, engines that are killed included, no release command starts twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
      await using shop = await world();
      let { publisher } = shop;
      const how = { user: 'ann' };
      for (const [index, step] of steps.entries()) {
        try {
          if (step === 'deploy') publisher.add(() => shop.addRelease(COMMAND), how);
          if (step === 'config')
            publisher.add(() => shop.ledger.configure(APP.id, { N: String(index) }, 'ann'), how);
          if (step === 'rollback') publisher.add(() => shop.ledger.rollback(APP.id, undefined, 'ann'), how);
          if (step === 'retry') publisher.add(() => shop.ledger.retry(APP.id, undefined, 'ann'), how);
        } catch (error) {
          if (!(error instanceof SlipwayError)) throw error;
        }
        if (step === 'succeed') shop.runtime.exit(NAME, 0);
        if (step === 'fail') shop.runtime.exit(NAME, 1);
        if (step === 'kill') {
          publisher = publisherOf(shop, shop.apps);
          publisher.recover();
        }
        if (step === 'wait') await settled();
      }
      await settled();
      const started = [...shop.runtime.specs.values()].filter((spec) => spec.type === 'release');
      const versions = started.map((spec) => spec.release);
      expect(versions).toEqual([...new Set(versions)]);
      const pending = shop.store.pendingReleases(APP.id).map(({ version }) => version);
      expect(pending.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 60 },
  );
});
