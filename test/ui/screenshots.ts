import { mkdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Host, startHost, waitFor } from '../e2e/support/host.ts';
import { openBrowser, openUi } from './support/browser.ts';

const IMAGES = join(import.meta.dirname, '..', '..', 'docs', 'images');
const APPS = ['hello-node', 'clock-worker', 'express-api'] as const;

/** Takes the README's pictures of the real app: three samples that run, some requests, light and dark. */
async function takePictures(): Promise<void> {
  await mkdir(IMAGES, { recursive: true });
  const host = await startHost({});
  const browser = await openBrowser();
  try {
    for (const app of APPS) await deploySample(host, app);
    await host.client.call('formation.update', {
      app: 'clock-worker',
      updates: [
        { type: 'web', quantity: 3 },
        { type: 'worker', quantity: 1 },
      ],
    });
    await host.client.call('config.update', { app: 'clock-worker', change: { GREETING: 'hello' } });
    await waitFor('four dynos', async () => {
      const { dynos } = await host.client.call('dynos.list', { app: 'clock-worker' });
      return dynos.filter((dyno) => dyno.state === 'up').length === 4;
    });
    for (const theme of ['light', 'dark'] as const) {
      const ui = await openUi(browser, host, {
        path: '/apps/clock-worker',
        theme,
        width: 1280,
        height: 800,
        scale: 2,
      });
      for (const path of ['/', '/?page=2', '/robots.txt', '/']) await visit(host, 'clock-worker', path);
      await ui.page.getByText('3 of 3 up').waitFor();
      await sleep(3_000);
      await ui.page.screenshot({ path: join(IMAGES, `overview-${theme}.png`) });
      await ui.close();
    }
  } finally {
    await browser.close();
    for (const app of APPS)
      await host.client.call('apps.destroy', { app, confirm: app }).catch(() => undefined);
    await host.stop();
  }
}

async function deploySample(host: Host, sample: string): Promise<void> {
  await host.client.call('apps.create', { name: sample });
  const { id } = await host.client.call('builds.start', { app: sample, source: { kind: 'sample', sample } });
  await waitFor(`the deploy of ${sample}`, async () => {
    const { finishedAt } = await host.client.call('builds.get', { app: sample, build: id });
    return finishedAt !== null;
  });
}

function visit(host: Host, app: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${app}.localhost:${host.routerPort}` };
    request({ host: '127.0.0.1', port: host.routerPort, path, headers }, (answer) => {
      answer.resume().on('end', resolve);
    })
      .on('error', reject)
      .end();
  });
}

await takePictures();
