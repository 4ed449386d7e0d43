import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppFolder, expressApp } from './support/app-folder.ts';
import { whyNoDocker } from './support/docker.ts';
import { deploy, type Host, startHost, untilAnswer, waitFor } from './support/host.ts';
import { startLoad } from './support/load.ts';

const APP = 'steady';
/**
 * Deploys and rollbacks in a row, each followed by the next as soon as it serves; on Docker as many as the platform is held to.
 * `SLIPWAY_CHANGES` asks for more. Copies of a slug take seconds on the process runtime, so it does fewer.
 */
const ASKED = Number(process.env['SLIPWAY_CHANGES'] ?? 0);
const CHANGES = { docker: ASKED || 30, process: ASKED || 6 };
const PER_SECOND = 200;
/** Requests that take two seconds each, so that some are in flight at every change. */
const SLOW = { path: '/slow?ms=2000', perSecond: 5 };

describe.each(['docker', 'process'] as const)('hand-overs on the %s runtime', (runtime) => {
  const skip = runtime === 'docker' && whyNoDocker() !== null;
  let host: Host;
  let folder: AppFolder;

  beforeAll(async () => {
    if (skip) return;
    folder = await expressApp();
    host = await startHost({ SLIPWAY_RUNTIME: runtime });
    await host.client.call('apps.create', { name: APP });
    await deploy(host, APP, folder.path);
    await host.client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity: 2 }] });
    await waitFor('two dynos', async () => {
      const { dynos } = await host.client.call('dynos.list', { app: APP });
      return dynos.filter((dyno) => dyno.state === 'up').length === 2;
    });
  });

  afterAll(async () => {
    if (skip) return;
    await host.client.call('apps.destroy', { app: APP, confirm: APP });
    await host.stop();
    await folder.remove();
  });

  it.skipIf(skip)(`loses and cuts no request over ${CHANGES[runtime]} deploys and rollbacks`, async () => {
    const { routerPort } = host;
    const load = startLoad({ routerPort, app: APP, path: '/', perSecond: PER_SECOND });
    const slow = startLoad({ routerPort, app: APP, ...SLOW });
    for (let change = 1; change <= CHANGES[runtime]; change += 1) {
      if (change % 3 === 0) {
        const release = await host.client.call('releases.rollback', { app: APP });
        await waitFor(`v${release.version} to serve`, async () => {
          const { dynos } = await host.client.call('dynos.list', { app: APP });
          return dynos.every((dyno) => dyno.release === release.version && dyno.state === 'up');
        });
      } else {
        await folder.greet(`change ${change}`);
        const build = await deploy(host, APP, folder.path);
        expect(build.failure).toBeNull();
        await untilAnswer(host, APP, `change ${change}\n`);
      }
    }
    const [result, held] = await Promise.all([load.stop(), slow.stop()]);
    console.log(
      `${runtime}: ${result.sent} requests and ${held.sent} of two seconds over ${CHANGES[runtime]} changes, ${result.failed.length + held.failed.length} failed`,
    );
    expect([...result.failed, ...held.failed]).toEqual([]);
    expect([...held.bodies]).toEqual([['slow answer\n', held.sent]]);
    expect(result.sent).toBeGreaterThan(PER_SECOND * 5);
  });
});
