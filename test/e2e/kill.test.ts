import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { LogRecord } from '#shared/model/log.ts';
import { type AppFolder, expressApp } from './support/app-folder.ts';
import { docker, owned, whyNoDocker } from './support/docker.ts';
import { deploy, type Host, startHost, waitFor } from './support/host.ts';
import { get } from './support/load.ts';

const APP = 'tough';
/** How often the engine is killed; `SLIPWAY_KILLS=50` for a long run. */
const KILLS = Number(process.env['SLIPWAY_KILLS'] ?? 6);
/** Of one run, in milliseconds; a deadline for broken code. */
const LIMIT = 120_000 + KILLS * 60_000;
const SEED = Number(process.env['SLIPWAY_SEED'] ?? 1);

/** What the engine has acknowledged, and may never lose. */
interface Acknowledged {
  readonly releases: Map<number, string>;
  web: number | null;
}

describe.each(['docker', 'process'] as const)('kill -9 of the engine on the %s runtime', (runtime) => {
  const skip = runtime === 'docker' && whyNoDocker() !== null;
  const random = seeded(SEED);
  let folder: AppFolder | null = null;
  let host: Host | null = null;

  afterAll(async () => {
    await host?.stop();
    await folder?.remove();
    if (host) await rm(host.home, { recursive: true, force: true });
  });

  it.skipIf(skip)(
    `loses nothing that was acknowledged, ${KILLS} times at random moments (seed ${SEED})`,
    async () => {
      folder = await expressApp();
      const env = { SLIPWAY_RUNTIME: runtime };
      host = await startHost(env);
      const { home } = host;
      await host.client.call('apps.create', { name: APP });
      expect((await deploy(host, APP, folder.path)).failure).toBeNull();
      const known: Acknowledged = { releases: new Map(), web: null };
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const log = await host.client.call('logs.recent', { app: APP, lines: 500 });
        const action = act(host, folder, known, kill % 4, kill);
        await sleep(random() * 2_500);
        await host.kill();
        await action;
        host = await startHost(env, home);
        await checkKept(host, known, log.records);
        await checkServing(host);
      }
      expect(await settledDynos(host)).toBe(true);
      if (runtime === 'docker') await noOrphans(host, await dynoIds(host));
      await host.client.call('apps.destroy', { app: APP, confirm: APP });
      if (runtime === 'docker') await noOrphans(host, []);
    },
    LIMIT,
  );
});

/** Something that a kill may fall into. It ends with the answer, or with the connection. */
async function act(
  host: Host,
  folder: AppFolder,
  known: Acknowledged,
  kind: number,
  kill: number,
): Promise<void> {
  try {
    if (kind === 0) {
      const quantity = 1 + (kill % 3);
      await host.client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity }] });
      known.web = quantity;
    } else if (kind === 1) {
      await folder.greet(`kill ${kill}`);
      const build = await deploy(host, APP, folder.path);
      if (build.release !== null) known.releases.set(build.release, 'Deploy');
    } else if (kind === 2) {
      const { release } = await host.client.call('config.update', {
        app: APP,
        change: { KILL: String(kill) },
      });
      if (release !== null) known.releases.set(release.version, release.description);
    } else {
      const release = await host.client.call('releases.rollback', { app: APP });
      known.releases.set(release.version, release.description);
    }
  } catch (error) {
    expect(error).toMatchObject({ code: 'disconnected' });
    if (kind === 0) known.web = null;
  }
}

async function checkKept(host: Host, known: Acknowledged, log: readonly LogRecord[]): Promise<void> {
  const { releases } = await host.client.call('releases.list', { app: APP });
  const versions = releases.map((release) => release.version).toReversed();
  expect(versions).toEqual(versions.map((_, index) => index + 1));
  for (const [version, description] of known.releases) {
    expect(releases.find((release) => release.version === version)?.description).toContain(description);
  }
  if (known.web !== null) {
    const { formation } = await host.client.call('formation.get', { app: APP });
    expect(formation.find((entry) => entry.type === 'web')?.quantity).toBe(known.web);
  }
  const { records } = await host.client.call('logs.recent', { app: APP, lines: 50_000 });
  const lines = new Map(
    records.flatMap((record) => (record.kind === 'line' ? [[record.seq, record.text] as const] : [])),
  );
  expect(lines.size).toBe(records.length);
  for (const record of log) if (record.kind === 'line') expect(lines.get(record.seq)).toBe(record.text);
}

async function checkServing(host: Host): Promise<void> {
  await waitFor(
    'the app to answer after a kill',
    async () => (await get(host.routerPort, APP, '/')).status === 200,
  );
}

async function dynoIds(host: Host): Promise<string[]> {
  return (await host.client.call('dynos.list', { app: APP })).dynos.map((dyno) => dyno.id);
}

async function settledDynos(host: Host): Promise<boolean> {
  await waitFor('all dynos to be up, of the current release', async () => {
    const [app, { dynos }] = await Promise.all([
      host.client.call('apps.get', { app: APP }),
      host.client.call('dynos.list', { app: APP }),
    ]);
    const up = dynos.filter((dyno) => dyno.state === 'up' && dyno.release === app.release);
    return up.length === app.dynosWanted && dynos.length === app.dynosWanted;
  });
  await sleep(1_000);
  return true;
}

/** Waits until every container of a dyno is one of these dynos; the last ones that ended are being removed. */
async function noOrphans(host: Host, ids: readonly string[]): Promise<void> {
  await waitFor(`no container of a dyno but ${ids.join(', ')}`, () =>
    Promise.resolve(orphans(host, ids).length === 0),
  );
}

/** Containers of dynos that no dyno of the app is. */
function orphans(host: Host, ids: readonly string[]): string[] {
  const found = docker('ps', '-a', ...owned(host, 'dyno'), '--format', '{{.Label "io.slipway.dyno"}}');
  return found.filter((id) => !ids.includes(id));
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
