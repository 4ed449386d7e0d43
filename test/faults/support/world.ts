import { once } from 'node:events';
import { cp, lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dyno } from '#shared/model/app.ts';
import type { LogLine } from '#shared/model/log.ts';
import { deploy, type Host, startHost, waitFor } from '../../e2e/support/host.ts';
import { get } from '../../e2e/support/load.ts';

const APP_FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'restless-app');
/** The app that a fault is made for, and one beside it that must not notice. */
export const APP = 'restless';
export const BESIDE = 'beside';
/** Web dynos of either app. */
export const WEB = 2;
const DOCKER = { SLIPWAY_RUNTIME: 'docker' };

/** An engine with two apps, each with two web dynos. */
export class World {
  readonly home: string;
  readonly routerPort: number;
  host: Host;
  private readonly env: Readonly<Record<string, string>>;

  constructor(host: Host, env: Readonly<Record<string, string>>) {
    this.host = host;
    this.home = host.home;
    this.routerPort = host.routerPort;
    this.env = env;
  }

  /** Starts an engine on the same data folder and router port; the one before it has ended. */
  async startEngine(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const settings = { ...this.env, ...env, SLIPWAY_ROUTER_PORT: String(this.routerPort) };
    this.host = await startHost(settings, this.home);
  }

  async dynos(app: string = APP): Promise<readonly Dyno[]> {
    return (await this.host.client.call('dynos.list', { app })).dynos;
  }

  /** True when the app has all its dynos of the current release, and none but for these. */
  async isWhole(app: string = APP, without: readonly string[] = []): Promise<boolean> {
    const [{ release, dynosWanted }, dynos] = await Promise.all([
      this.host.client.call('apps.get', { app }),
      this.dynos(app),
    ]);
    const good = dynos.filter(
      (dyno) => dyno.state === 'up' && dyno.release === release && !without.includes(dyno.id),
    );
    return dynos.length === dynosWanted && good.length === dynosWanted;
  }

  /** Waits until both apps are whole. */
  async untilWhole(): Promise<void> {
    for (const app of [APP, BESIDE]) await waitFor(`all dynos of ${app}`, () => this.isWhole(app), 120_000);
  }

  /** Starts new dynos in the place of all of the app's, so that crashes before are forgotten. */
  async refresh(): Promise<void> {
    const before = (await this.dynos()).map(({ id }) => id);
    await this.host.client.call('dynos.restart', { app: APP });
    await waitFor(`new dynos of ${APP}`, () => this.isWhole(APP, before), 120_000);
  }

  /** The newest 50 000 lines of an app's log, oldest first. */
  async log(app: string = APP): Promise<LogLine[]> {
    const { records } = await this.host.client.call('logs.recent', { app, lines: 50_000 });
    return records.filter((record) => record.kind === 'line');
  }

  /** Asks the app to do something. */
  async ask(path: string): Promise<void> {
    const { status } = await get(this.routerPort, APP, path);
    if (status !== 200) throw new Error(`${APP} answers ${path} with ${status}`);
  }

  async configure(change: Readonly<Record<string, string | null>>): Promise<void> {
    await this.host.client.call('config.update', { app: APP, change });
  }

  /** Destroys the apps and ends the engine. */
  async close(): Promise<void> {
    for (const { id, name } of (await this.host.client.call('apps.list', {})).apps)
      await this.host.client.call('apps.destroy', { app: id, confirm: name });
    await this.host.stop();
  }
}

/** The data folder of an engine that has ended after both apps were deployed and scaled to nothing. */
let compiled: Promise<string> | null = null;

/**
 * Starts an engine that both apps are deployed to. They are compiled once; each world is a copy, so there is one at a time.
 * @param runEnv further settings of the engine
 * @param home data folder, empty; a new one unless given
 */
export async function openWorld(
  runEnv: Readonly<Record<string, string>> = {},
  home?: string,
): Promise<World> {
  const source = await (compiled ??= compileBoth());
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'slipway-home-')));
  await cp(source, folder, { recursive: true, filter: async (file) => !(await lstat(file)).isSocket() });
  const env = { ...DOCKER, ...runEnv };
  const host = await startHost(env, folder);
  try {
    const world = new World(host, env);
    await scale(world.host, WEB);
    await world.untilWhole();
    return world;
  } catch (error) {
    await host.stop();
    throw error;
  }
}

/** Forgets the apps that worlds are copies of; after the last world. */
export async function closeWorlds(): Promise<void> {
  const folder = await compiled?.catch(() => null);
  compiled = null;
  if (typeof folder === 'string') await rm(folder, { recursive: true, force: true });
}

async function compileBoth(): Promise<string> {
  const host = await startHost(DOCKER);
  try {
    await deployBoth(host);
    await scale(host, 0);
    const exit = once(host.process, 'exit');
    host.process.kill('SIGTERM');
    await exit;
    return host.home;
  } catch (error) {
    await host.stop();
    throw error;
  }
}

async function deployBoth(host: Host): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-restless-'));
  try {
    await cp(APP_FOLDER, folder, { recursive: true });
    for (const app of [APP, BESIDE]) {
      await host.client.call('apps.create', { name: app });
      const { failure } = await deploy(host, app, folder);
      if (failure !== null) throw new Error(failure.message);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function scale(host: Host, quantity: number): Promise<void> {
  for (const app of [APP, BESIDE]) {
    await host.client.call('formation.update', { app, updates: [{ type: 'web', quantity }] });
    if (quantity > 0) continue;
    await waitFor(`no dyno of ${app}`, async () => {
      return (await host.client.call('dynos.list', { app })).dynos.length === 0;
    });
  }
}
