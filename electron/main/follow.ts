import type { Client } from '#shared/contract/client.ts';
import type { Fact } from '#shared/contract/facts.ts';
import { SlipwayError } from '#shared/errors.ts';
import type { App } from '#shared/model/app.ts';
import { type Notice, Notices } from './notices.ts';

/** Who wants to know. */
export interface Followers {
  onApps(apps: readonly App[]): void;
  onNotice(notice: Notice): void;
  onProblem(what: string, error: unknown): void;
}

/** Follows the engine's facts until the client is closed: keeps the list of apps known, and tells what is worth a notice. */
export async function followEngine(client: Client, followers: Followers): Promise<void> {
  const notices = new Notices();
  const facts = client.open('events.open', {})[Symbol.asyncIterator]();
  try {
    let next = facts.next();
    // When the client closes during the call below, both fail, and the call says so.
    next.catch(() => undefined);
    followers.onApps((await client.call('apps.list', {})).apps);
    for (let step = await next; step.done !== true; step = await next) {
      const { apps } = await client.call('apps.list', {});
      followers.onApps(apps);
      for (const fact of step.value) {
        const app = 'app' in fact ? apps.find(({ id }) => id === fact.app) : undefined;
        const notice = app === undefined ? null : await noticeOf(client, notices, app, fact);
        if (notice !== null) followers.onNotice(notice);
      }
      next = facts.next();
    }
  } catch (error) {
    if (!(error instanceof SlipwayError && error.code === 'disconnected'))
      followers.onProblem('facts', error);
  }
}

async function noticeOf(client: Client, notices: Notices, app: App, fact: Fact): Promise<Notice | null> {
  try {
    if (fact.kind === 'build.changed') {
      return notices.ofBuild(app.name, await client.call('builds.get', { app: app.id, build: fact.build }));
    }
    if (fact.kind !== 'dynos.changed') return null;
    const { dynos } = await client.call('dynos.list', { app: app.id });
    return notices.ofDynos(app.name, dynos, Date.now());
  } catch (error) {
    if (error instanceof SlipwayError && error.code !== 'disconnected') return null;
    throw error;
  }
}
