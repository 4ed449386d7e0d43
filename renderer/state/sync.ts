import type { Client } from '#shared/contract/client.ts';
import type { Fact } from '#shared/contract/facts.ts';
import { SlipwayError } from '#shared/errors.ts';
import type { Build } from '#shared/model/build.ts';
import { call } from './connection.ts';
import { updateOpen, useWorld } from './world.ts';

/** Everything is read anew so often, in case a fact was missed; milliseconds. */
const FULL_SYNC = 30_000;

/** Told of each build that changed. */
export type OnBuild = (build: Build, before: Build | undefined) => void;

/** Keeps what is shown in step with the engine for as long as the connection lasts. */
export async function followEngine(client: Client, onBuild: OnBuild): Promise<void> {
  const facts = client.open('events.open', {})[Symbol.asyncIterator]();
  let next = facts.next();
  void followStats(client);
  await refreshAll();
  const timer = setInterval(() => {
    if (!document.hidden) void refreshAll().catch(() => undefined);
  }, FULL_SYNC);
  try {
    for (let step = await next; step.done !== true; step = await next) {
      await refreshFor(step.value, onBuild);
      next = facts.next();
    }
  } finally {
    clearInterval(timer);
  }
}

/** Reads everything that is shown anew. */
export async function refreshAll(): Promise<void> {
  const [{ apps }, system] = await Promise.all([call('apps.list', {}), call('system.info', {})]);
  useWorld.setState({ apps, system, syncedAt: Date.now() });
  const { open } = useWorld.getState();
  if (open !== null && apps.some((app) => app.name === open.name)) await refreshOpen(open.name);
}

/** Makes an app the open one and reads what its screens show. */
export function openApp(name: string): void {
  const { open, connection } = useWorld.getState();
  if (open?.name === name) return;
  useWorld.setState({
    open: { name, formation: null, dynos: [], releases: null, builds: [], rollbackTo: null },
  });
  if (connection === 'open') void refreshOpen(name).catch(ignoreGone);
}

async function refreshOpen(name: string): Promise<void> {
  const of = { app: name };
  const [{ formation }, { dynos }, { releases }, { builds }] = await Promise.all([
    call('formation.get', of),
    call('dynos.list', of),
    call('releases.list', of),
    call('builds.list', of),
  ]);
  updateOpen(name, () => ({ formation, dynos, releases, builds }));
}

/** Reads anew what the facts speak of; one round for all facts that came together. */
async function refreshFor(facts: readonly Fact[], onBuild: OnBuild): Promise<void> {
  const builds = new Map<string, string>();
  for (const fact of facts) if (fact.kind === 'build.changed') builds.set(fact.build, fact.app);
  const runtime = facts.some((fact) => fact.kind === 'runtime.changed');
  const others = facts.some((fact) => fact.kind !== 'build.changed');
  const { open } = useWorld.getState();
  const id = useWorld.getState().apps?.find((app) => app.name === open?.name)?.id;
  const ofOpen = facts.filter((fact) => fact.kind !== 'build.changed' && 'app' in fact && fact.app === id);
  await Promise.all([
    ...[...builds].map(([build, app]) => refreshBuild(app, build, onBuild)),
    others ? refreshApps() : undefined,
    runtime ? refreshSystem() : undefined,
    open !== null && ofOpen.length > 0 ? refreshOpenFor(open.name, ofOpen) : undefined,
  ]).catch(ignoreGone);
}

async function refreshApps(): Promise<void> {
  const { apps } = await call('apps.list', {});
  useWorld.setState({ apps, syncedAt: Date.now() });
}

async function refreshSystem(): Promise<void> {
  useWorld.setState({ system: await call('system.info', {}) });
}

async function refreshOpenFor(name: string, facts: readonly Fact[]): Promise<void> {
  if (facts.some((fact) => fact.kind !== 'dynos.changed')) return refreshOpen(name);
  const { dynos } = await call('dynos.list', { app: name });
  updateOpen(name, () => ({ dynos }));
}

async function refreshBuild(app: string, id: string, onBuild: OnBuild): Promise<void> {
  const build = await call('builds.get', { app, build: id });
  const before = useWorld.getState().builds[app];
  useWorld.setState(({ builds }) => ({ builds: { ...builds, [app]: build } }));
  updateOpen(build.app, ({ builds }) => ({ builds: [build, ...builds.filter((each) => each.id !== id)] }));
  onBuild(build, before?.id === id ? before : undefined);
}

/** Follows requests and memory; a hidden window does not. */
async function followStats(client: Client): Promise<void> {
  let closed = false;
  void client.closed.then(() => (closed = true));
  while (!(closed as boolean)) {
    await untilVisible();
    const stop = new AbortController();
    const hide = (): void => {
      if (document.hidden) stop.abort();
    };
    document.addEventListener('visibilitychange', hide);
    try {
      for await (const samples of client.open('stats.open', {}, stop.signal)) {
        useWorld.setState({ stats: samples.at(-1) ?? null });
      }
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'disconnected') return;
    } finally {
      document.removeEventListener('visibilitychange', hide);
    }
  }
}

/** Resolves once the window can be seen. */
export function untilVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener(
      'visibilitychange',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

/** An app may be destroyed while it is asked about; a lost connection is shown elsewhere. */
function ignoreGone(error: unknown): void {
  if (error instanceof SlipwayError && ['app_not_found', 'not_found', 'disconnected'].includes(error.code))
    return;
  throw error;
}
