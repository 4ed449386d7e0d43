import type { Fact } from '#shared/contract/facts.ts';
import { appNameFrom } from '#shared/model/names.ts';
import { call, openStream } from './connection.ts';
import { go } from './route.ts';
import { appendLog, updateOpen, useWorld } from './world.ts';

/** Runs what a person asked for; a failure becomes the visible problem. */
async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    useWorld.setState({ problem: error instanceof Error ? error.message : String(error) });
  }
}

/** Makes an app named like the folder when there is none, deploys the folder to it and goes there. */
export function deployFolder(folder: string): Promise<void> {
  return attempt(async () => {
    const wanted = appNameFrom(folder.split(/[\\/]/).findLast((part) => part !== '') ?? '');
    const known = useWorld.getState().apps?.find((app) => app.name === wanted);
    const app = known ?? (await call('apps.create', wanted === null ? {} : { name: wanted }));
    await call('builds.start', { app: app.name, source: { kind: 'folder', path: folder } });
    go(`/apps/${app.name}`);
  });
}

/** Deploys the app's folder again. */
export function redeploy(app: string, folder: string): Promise<void> {
  return attempt(async () => {
    await call('builds.start', { app, source: { kind: 'folder', path: folder } });
  });
}

/** Asks for a number of dynos of one process type; shown at once, corrected by the answer. */
export function scale(app: string, type: string, quantity: number): Promise<void> {
  const change = (entry: { type: string; quantity: number }, to: number): number =>
    entry.type === type ? to : entry.quantity;
  return attempt(async () => {
    updateOpen(app, ({ formation }) => ({
      formation: formation.map((entry) => ({ ...entry, quantity: change(entry, quantity) })),
    }));
    const { formation } = await call('formation.update', { app, updates: [{ type, quantity }] });
    updateOpen(app, () => ({ formation }));
  });
}

/** Makes a new release from an old one. */
export function rollback(app: string, version: number): Promise<void> {
  return attempt(async () => {
    await call('releases.rollback', { app, version });
  });
}

/** Restarts every dyno of the app, each without a gap. */
export function restartAll(app: string): Promise<void> {
  return attempt(async () => {
    await call('dynos.restart', { app });
  });
}

/** Reads the list of apps anew. */
async function refreshApps(): Promise<void> {
  const [{ apps }, system] = await Promise.all([call('apps.list', {}), call('system.info', {})]);
  useWorld.setState({ apps, system });
}

/** Reads what the screen of the open app shows anew; its log follows by itself. */
async function refreshOpen(name: string): Promise<void> {
  const of = { app: name };
  const [{ formation }, { dynos }, { releases }] = await Promise.all([
    call('formation.get', of),
    call('dynos.list', of),
    call('releases.list', of),
  ]);
  updateOpen(name, () => ({ formation, dynos, releases }));
}

/** Makes an app the open one and follows its log. The answer closes it again. */
export function watchApp(name: string): () => void {
  const stop = new AbortController();
  useWorld.setState({ open: { name, formation: [], dynos: [], releases: [], log: [] } });
  void attempt(async () => {
    await refreshOpen(name);
  });
  void followLog(name, stop.signal);
  return () => {
    stop.abort();
  };
}

/** Follows a log over lost connections: each time from behind the last line that was seen. */
async function followLog(app: string, signal: AbortSignal): Promise<void> {
  let after: number | undefined;
  while (!signal.aborted) {
    try {
      const input = { app, lines: 500, ...(after === undefined ? {} : { after }) };
      for await (const records of openStream('logs.open', input, signal)) {
        appendLog(app, records);
        const last = records.findLast((record) => record.kind === 'line');
        if (last?.kind === 'line') after = last.seq;
      }
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

/** Keeps what is shown in step with the engine: everything when there are no facts, else what they speak of. */
export async function refresh(facts: readonly Fact[] | null): Promise<void> {
  await refreshApps();
  const { open, apps } = useWorld.getState();
  const app = apps?.find((each) => each.name === open?.name);
  if (open !== null && app !== undefined && (facts === null || facts.some((fact) => fact.app === app.id))) {
    await refreshOpen(open.name);
  }
}
