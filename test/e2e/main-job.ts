import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Build } from '#shared/model/build.ts';
import { type AppFolder, expressApp } from './support/app-folder.ts';
import { whyNoDocker } from './support/docker.ts';
import { deploy, type Host, logLines, startHost, untilAnswer, waitFor } from './support/host.ts';
import { get, startLoad } from './support/load.ts';

/**
 * The main job on one runtime, with a real project, over the contract and the router: what issue lists call
 * "folder in, running app out".
 */
export function mainJob(runtime: 'docker' | 'process', leftovers: (host: Host) => Promise<string[]>): void {
  const skip = runtime === 'docker' && whyNoDocker() !== null;
  describe.skipIf(skip)(`main job on the ${runtime} runtime`, () => {
    let host: Host;
    let folder: AppFolder;
    const app = 'shop';

    beforeAll(async () => {
      folder = await expressApp();
      host = await startHost({ SLIPWAY_RUNTIME: runtime });
      await host.client.call('apps.create', { name: app });
    });

    afterAll(async () => {
      await host.stop();
      await folder.remove();
    });

    const page = async (path: string): Promise<string> => (await get(host.routerPort, app, path)).body;
    const dynosSeen = async (): Promise<Set<string>> => {
      const seen = new Set<string>();
      for (let request = 0; request < 60; request += 1)
        seen.add(JSON.parse(await page('/dyno')).dyno as string);
      return seen;
    };
    const deployed = async (): Promise<Build> => deploy(host, app, folder.path);

    it('serves a page of its own before there is code', async () => {
      expect(await get(host.routerPort, app, '/')).toMatchObject({ status: 502 });
      expect(await get(host.routerPort, 'nobody', '/')).toMatchObject({ status: 404 });
    });

    it('deploys a folder and serves it', async () => {
      const build = await deployed();
      expect(build.failure).toBeNull();
      expect(build).toMatchObject({ status: 'succeeded', release: 3 });
      expect(build.phases.every((phase) => phase.state === 'done')).toBe(true);
      expect(await page('/')).toBe('hello from version one\n');
    });

    it('shows one log of build, API, dynos and router in order', async () => {
      const lines = await logLines(host, app);
      const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
      expect(at(/app\[api\]: Initial release by user/)).toBe(0);
      expect(at(/app\[build\]: .*Node\.js app detected/)).toBeGreaterThan(0);
      expect(at(/app\[api\]: Release v3 created by user/)).toBeGreaterThan(at(/app\[api\]: Build started/));
      expect(at(/heroku\[web\.1\]: Starting process with command `node server\.js`/)).toBeGreaterThan(0);
      expect(at(/heroku\[web\.1\]: State changed from starting to up/)).toBeGreaterThan(0);
      expect(at(/app\[web\.1\]: listening on \d+ as web\.1/)).toBeGreaterThan(0);
      await waitFor('the router line', async () =>
        (await logLines(host, app)).some((line) =>
          /heroku\[router\]: at=info method=GET path="\/".* dyno=web\.1 .*status=200/.test(line),
        ),
      );
    });

    it('runs three web dynos that all get requests, and a worker', async () => {
      const updates = [
        { type: 'web', quantity: 3 },
        { type: 'worker', quantity: 1 },
      ];
      await host.client.call('formation.update', { app, updates });
      await waitFor('four dynos to be up', async () => {
        const { dynos } = await host.client.call('dynos.list', { app });
        return dynos.filter((dyno) => dyno.state === 'up').length === 4;
      });
      expect([...(await dynosSeen())].sort()).toEqual(['web.1', 'web.2', 'web.3']);
      await waitFor('the worker to speak', async () =>
        (await logLines(host, app)).some((line) => line.includes('app[worker.1]: tick 1')),
      );
    });

    it('gives every dyno files of its own, that go with it', async () => {
      const written = JSON.parse((await get(host.routerPort, app, '/note', undefined, 'POST')).body) as {
        instance: string;
      };
      const notes = new Map<string, boolean>();
      for (let request = 0; request < 60; request += 1) {
        const { instance, note } = JSON.parse(await page('/note')) as { instance: string; note: boolean };
        notes.set(instance, note);
      }
      expect(notes.size).toBe(3);
      expect([...notes].filter(([, note]) => note)).toEqual([[written.instance, true]]);
      const earlier = await host.client.call('dynos.list', { app });
      await host.client.call('dynos.restart', { app, type: 'web' });
      await waitFor('three new web dynos to be all that runs', async () => {
        const { dynos } = await host.client.call('dynos.list', { app });
        const web = dynos.filter((dyno) => dyno.type === 'web');
        const isNew = web.every(({ id }) => earlier.dynos.every((each) => each.id !== id));
        return isNew && web.length === 3 && web.every(({ state }) => state === 'up');
      });
      for (let request = 0; request < 30; request += 1)
        expect(JSON.parse(await page('/note')).note).toBe(false);
    });

    it('makes a release of a config change and restarts with it', async () => {
      const { release } = await host.client.call('config.update', { app, change: { COLOR: 'green' } });
      expect(release).toMatchObject({ version: 4, description: 'Set COLOR config vars' });
      await waitFor('the new value to be served', async () =>
        (await page('/dyno')).includes('"color":"green"'),
      );
    });

    it('keeps the old version serving when the new one does not come up', async () => {
      const load = startLoad({ routerPort: host.routerPort, app, path: '/', perSecond: 50 });
      await folder.write('server.js', 'console.error("broken on purpose"); process.exit(7);\n');
      const build = await deployed();
      expect(build.failure).toMatchObject({ code: 'launch_failed' });
      expect(build.failure?.message).toMatch(/web\.\d crashed: exit code 7/);
      await sleep(1_000);
      const result = await load.stop();
      expect(result.failed).toEqual([]);
      expect([...result.bodies.keys()]).toEqual(['hello from version one\n']);
    });

    it('rolls back to a release with its code and its config', async () => {
      const release = await host.client.call('releases.rollback', { app, version: 3 });
      expect(release).toMatchObject({ version: 6, description: 'Rollback to v3', current: true });
      await waitFor('v6 to serve', async () => (await page('/dyno')).includes('"color":null'));
      expect(await page('/')).toBe('hello from version one\n');
      expect((await host.client.call('config.get', { app })).vars).toEqual({});
    });

    it('starts a crashed dyno again', async () => {
      await host.client.call('formation.update', { app, updates: [{ type: 'web', quantity: 1 }] });
      await waitFor('one web dyno', async () => {
        const { dynos } = await host.client.call('dynos.list', { app });
        return dynos.filter((dyno) => dyno.type === 'web').length === 1;
      });
      await page('/crash');
      await waitFor('the crash to be told', async () =>
        (await logLines(host, app)).some((line) =>
          line.includes('heroku[web.1]: Process exited with status 3'),
        ),
      );
      await untilAnswer(host, app, 'hello from version one\n');
    });

    it('leaves nothing behind when the app is destroyed', async () => {
      await expect(host.client.call('apps.destroy', { app, confirm: 'other' })).rejects.toMatchObject({
        code: 'invalid_params',
      });
      await host.client.call('apps.destroy', { app, confirm: app });
      expect((await host.client.call('apps.list', {})).apps).toEqual([]);
      expect(await get(host.routerPort, app, '/')).toMatchObject({ status: 404 });
      expect(await leftovers(host)).toEqual([]);
    });
  });
}
