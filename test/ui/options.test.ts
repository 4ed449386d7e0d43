import { request } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, logLines, startHost, waitFor } from '../e2e/support/host.ts';
import { workFolder } from '../e2e/support/buildpack.ts';
import { goTo, openBrowser, openUi, type Ui, whyNoChromium } from './support/browser.ts';
import { deployTalker } from './support/talker.ts';

const APP = 'chosen';
/** Left alone from the beginning on, so that the minute before it may sleep goes by beside the other tests. */
const DROWSY = 'drowsy';

describe.skipIf(whyNoChromium() !== null)('options of an app and of the engine', () => {
  let host: Host;
  let browser: Browser;
  let ui: Ui;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    browser = await openBrowser();
    await deployTalker(host, DROWSY);
    await host.client.call('apps.update', { app: DROWSY, sleepAfterMinutes: 1 });
    await deployTalker(host, APP);
    ui = await openUi(browser, host, { path: `/apps/${APP}` });
  });
  afterAll(async () => {
    await browser?.close();
    for (const app of [APP, DROWSY]) await host?.client.call('apps.destroy', { app, confirm: app });
    await host?.stop();
  });

  const app = (name = APP) => host.client.call('apps.get', { app: name });

  it('are chosen in a dialog, and in force at once', async () => {
    const { page } = ui;
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Options' }).click();
    const dialog = page.getByRole('dialog', { name: `Change options of ${APP}` });
    await dialog.getByText('As Heroku does').click();
    await dialog.getByText('Old dynos stop as the new ones start.').waitFor();
    await dialog.getByLabel('Sleep without requests').selectOption('After 5 minutes');
    await waitFor('both options', async () => {
      const { options } = await app();
      return options.deployOrder === 'platform' && options.sleepAfterMinutes === 5;
    });
    const stack = dialog.getByLabel('Stack');
    await stack.selectOption('container');
    await waitFor('the stack', async () => (await app()).stack === 'container');
    await dialog.getByLabel('Buildpack to add').waitFor({ state: 'detached' });
    await stack.selectOption('cnb');
    const builder = dialog.getByLabel('Builder');
    await builder.fill('ghcr.io/some/builder:1');
    await builder.blur();
    await waitFor('the builder', async () => (await app()).options.builder === 'ghcr.io/some/builder:1');
    await stack.selectOption('slipway-13');
    await waitFor('the stack from before', async () => (await app()).stack === 'slipway-13');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await goTo(page, '/settings');
    await page.getByText('At once, then after 1, 2, 5, 10, 20 and 30 seconds.').waitFor();
    const crash = page.getByRole('group', { name: 'Start again after a crash' });
    await crash.getByText('As Heroku does').click();
    await page.getByText('At once, then after up to 20, 40, 60, 180 and 320 minutes').waitFor();
    await page.getByLabel('Replace every dyno once a day').check();
    await waitFor('both options of the engine', async () => {
      const { restartPolicy, dailyCycling } = await host.client.call('system.options', {});
      return restartPolicy === 'heroku' && dailyCycling;
    });
    expect(ui.problems).toEqual([]);
  });

  it('buildpacks are added, ordered and removed, and the build cache is emptied', async () => {
    const { page } = ui;
    const known = async (): Promise<string[]> =>
      (await host.client.call('buildpacks.list', { app: APP })).buildpacks;
    await goTo(page, `/apps/${APP}`);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Options' }).click();
    const dialog = page.getByRole('dialog', { name: `Change options of ${APP}` });
    await dialog.getByText('None is set: deploys use heroku/nodejs').waitFor();
    const field = dialog.getByLabel('Buildpack to add');
    await field.fill('no buildpack');
    expect(await dialog.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true);
    for (const [at, each] of ['heroku/nodejs', 'https://localhost/tools.git#v1'].entries()) {
      await field.fill(each);
      await dialog.getByRole('button', { name: 'Add' }).click();
      await dialog.getByRole('listitem').nth(at).waitFor();
    }
    await dialog.getByRole('button', { name: 'Move https://localhost/tools.git#v1 up' }).click();
    await waitFor('the new order', async () => (await known())[0] === 'https://localhost/tools.git#v1');
    await dialog.getByRole('button', { name: 'Remove https://localhost/tools.git#v1' }).click();
    await waitFor('one less', async () => (await known()).join() === 'heroku/nodejs');
    await dialog.getByRole('button', { name: 'Empty the build cache' }).click();
    await page.getByText('Build cache emptied').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await goTo(page, '/settings');
    await page.getByLabel('minutes; the platform gives 15').fill('30');
    await waitFor('the time of builds', async () => {
      const { buildMinutes } = await host.client.call('system.options', {});
      return buildMinutes === 30;
    });
    expect(ui.problems).toEqual([]);
  });

  it('config vars that app.json asks for are asked for before the first deploy', async () => {
    const { page } = ui;
    const work = await workFolder();
    const env = { TOKEN: { description: 'of the mail service' }, MODE: 'live', KEY: { generator: 'secret' } };
    const folder = await work.files('asking', {
      'package.json': '{"name":"asking","scripts":{"start":"sleep 1000"}}',
      'app.json': JSON.stringify({ env, formation: { web: { quantity: 0 } } }),
    });
    await goTo(page, '/apps');
    await page.getByRole('main').getByRole('button', { name: 'New app' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deploy folder' });
    await dialog.getByLabel('or a folder on the machine').fill(folder);
    await dialog.getByRole('button', { name: 'Look' }).click();
    const start = dialog.getByRole('button', { name: 'Deploy', exact: true });
    await dialog.getByText('of the mail service').waitFor();
    expect(await start.isDisabled()).toBe(true);
    await dialog.getByLabel('TOKEN').fill('mine');
    await dialog.getByLabel('MODE').fill('test');
    await start.click();
    await waitFor('what was given and what is made', async () => {
      const { vars } = await host.client.call('config.get', { app: 'asking' });
      return vars['TOKEN'] === 'mine' && vars['MODE'] === 'test' && vars['KEY']?.length === 64;
    });
    await host.client.call('apps.destroy', { app: 'asking', confirm: 'asking' });
    await work.remove();
  });

  it('an app that nobody asks sleeps, says so, and serves the request that wakes it', async () => {
    const { page } = ui;
    await goTo(page, `/apps/${DROWSY}`);
    await waitFor('its sleep', async () => (await app(DROWSY)).state === 'asleep', 120_000);
    await page.getByText('wakes with the next request').waitFor();
    await page.getByRole('button', { name: 'web.1 idle' }).waitFor();
    await waitFor('the end of its process', async () =>
      (await logLines(host, DROWSY)).some((line) => line.includes('heroku[web.1]: Process exited')),
    );
    const answers = await Promise.all([ask(host), ask(host), ask(host)]);
    expect(answers).toEqual([200, 200, 200]);
    await page.getByText('1 of 1 dyno up').waitFor();
    const lines = (await logLines(host, DROWSY)).map((line) => line.slice(line.indexOf(' ') + 1));
    const idling = lines.indexOf('heroku[web.1]: Idling');
    expect(lines.slice(idling).filter((line) => line.startsWith('heroku[web.1]'))).toEqual([
      'heroku[web.1]: Idling',
      'heroku[web.1]: State changed from up to down',
      'heroku[web.1]: Stopping all processes with SIGTERM',
      expect.stringMatching(/^heroku\[web\.1\]: Process exited with status \d+$/),
      'heroku[web.1]: Unidling',
      'heroku[web.1]: State changed from down to starting',
      'heroku[web.1]: Starting process with command `node server.js`',
      'heroku[web.1]: State changed from starting to up',
      expect.stringMatching(/^heroku\[web\.1\]: Awake after \d+\.\d s$/),
    ]);
  });
});

/** Status of a request through the router. */
function ask({ routerPort }: Host): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${DROWSY}.localhost:${routerPort}` };
    const sending = request({ host: '127.0.0.1', port: routerPort, path: '/', headers }, (response) => {
      response.resume();
      response.on('end', () => {
        resolve(response.statusCode);
      });
    });
    sending.on('error', reject);
    sending.end();
  });
}
