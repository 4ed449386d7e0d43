import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Host, logLines, startHost, waitFor } from './support/host.ts';
import { get } from './support/load.ts';

let host: Host;
beforeAll(async () => {
  host = await startHost({ SLIPWAY_RUNTIME: 'process' });
}, 240_000);
afterAll(async () => {
  for (const { id, name } of (await host.client.call('apps.list', {})).apps) {
    await host.client.call('apps.destroy', { app: id, confirm: name });
  }
  await host.stop();
}, 240_000);

it('deploys a sample app, which serves, and tells what it uses', async () => {
  const { samples } = await host.client.call('samples.list', {});
  const sample = samples[0]?.name ?? '';
  const source = { kind: 'sample', sample } as const;
  const { suggestedName, problems } = await host.client.call('sources.inspect', { source });
  expect(problems).toEqual([]);
  const app = await host.client.call('apps.create', { name: suggestedName });
  const { id } = await host.client.call('builds.start', { app: app.id, source });
  for await (const _ of host.client.open('builds.output', { app: app.id, build: id })) void _;
  const build = await host.client.call('builds.get', { app: app.id, build: id });
  expect(build.failure).toBeNull();
  const page = await get(host.routerPort, app.name, '/');
  expect([page.status, page.body]).toEqual([200, expect.stringContaining('web.1')]);
  expect((await host.client.call('apps.get', { app: app.id })).folder).toBeNull();
  const { slug } = await host.client.call('releases.get', { app: app.id, version: build.release ?? 0 });
  expect(slug?.commit).toBeNull();
  await waitFor('the visit in the log', async () =>
    (await logLines(host, app.id)).some((line) => line.includes('visit 1')),
  );
  for await (const [first] of host.client.open('stats.open', {})) {
    expect(first?.apps.map((each) => [each.app, each.requests.at(-1)])).toEqual([[app.id, 1]]);
    expect(first?.dynos).toEqual([{ ...first?.dynos[0], app: app.id, quotaMiB: 512 }]);
    expect(first?.dynos[0]?.memoryMiB).toBeGreaterThan(10);
    break;
  }
  const diff = await host.client.call('releases.diff', { app: app.id, from: 2, to: build.release ?? 0 });
  expect(diff.language).toEqual({ from: null, to: 'Node.js' });
});
