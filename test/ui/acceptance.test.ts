import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Host, startHost, waitFor } from '../e2e/support/host.ts';
import { type PrivateDocker, startPrivateDocker, whyNoPrivateDocker } from '../support/private-docker.ts';
import { goTo, openBrowser, openUi, type Ui, whyNoChromium } from './support/browser.ts';
import { deployTalker, talkerFolder } from './support/talker.ts';

const APP = 'accepted';
/** Longest waits that the UI is accepted with, in milliseconds: until it says that Docker is away, and until all is right again. */
const SAID_MS = 3_000;
const RIGHT_MS = 5_000;
const SECRETS = ['first-secret-4711', 'second-secret-0815'] as const;

describe.skipIf(whyNoChromium() !== null)('what the UI is accepted by', () => {
  let host: Host;
  let browser: Browser;
  let ui: Ui;
  let page: Page;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    browser = await openBrowser();
    await deployTalker(host, APP);
  });
  afterAll(async () => {
    await browser?.close();
    for (const { id, name } of (await host?.client.call('apps.list', {}))?.apps ?? [])
      await host.client.call('apps.destroy', { app: id, confirm: name });
    await host?.stop();
  });
  beforeEach(async () => {
    ui = await openUi(browser, host, { path: `/apps/${APP}` });
    ({ page } = ui);
  });
  afterEach(async () => {
    expect(ui.problems).toEqual([]);
    await ui.close();
  });

  it('8: scales by slider, keys, number field, buttons and palette; undo in message and activity', async () => {
    const slider = page.getByRole('slider', { name: 'web dynos' });
    const field = page.getByRole('spinbutton', { name: 'web dyno count' });
    await untilWeb(1);
    const box = await slider.boundingBox();
    if (box === null) throw new Error('there is no slider');
    await page.mouse.move(box.x + box.width * 0.1, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2, { steps: 5 });
    await page.getByText('1 → 4, up to 1536 MB more').waitFor();
    expect(await wanted()).toBe(1);
    await page.mouse.up();
    await untilWeb(4);
    expect(await slider.getAttribute('aria-valuetext')).toBe('4 of 10 web dynos');

    await page.getByText(`${APP}: 1 → 4 web dynos`).first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).first().click();
    await untilWeb(1);

    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await untilWeb(2);
    await field.fill('3');
    await field.press('Enter');
    await untilWeb(3);
    await page.getByRole('button', { name: 'One web dyno less' }).click();
    await untilWeb(2);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('scale web');
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Dynos of web' }).waitFor();
    await page.keyboard.type('5');
    await page.keyboard.press('Enter');
    await untilWeb(5);

    await page.getByRole('link', { name: 'Activity' }).click();
    const undo = page.getByRole('list', { name: 'Can be undone' }).getByRole('listitem');
    await undo.filter({ hasText: '2 → 5 web dynos' }).getByRole('button', { name: 'Undo' }).click();
    await untilWeb(2);
    await page.getByRole('list', { name: 'Activity' }).getByText('Scaled to web@5').waitFor();

    await page.getByRole('link', { name: 'Overview' }).click();
    await field.fill('0');
    await field.press('Enter');
    const dialog = page.getByRole('dialog', { name: `Stop all web dynos of ${APP}?` });
    await dialog.getByRole('button', { name: 'Keep them' }).click();
    expect(await wanted()).toBe(2);
    expect(await field.inputValue()).toBe('2');
  });

  it('9: a failed build says where and why, keeps its log, and can be tried again', async () => {
    const folder = await talkerFolder();
    const write = (build: string): Promise<void> => {
      const parts = { name: 'broken', version: '1.0.0', type: 'module', engines: { node: '24.x' } };
      return writeFile(join(folder, 'package.json'), JSON.stringify({ ...parts, scripts: { build } }));
    };
    await write('echo looking for the part && exit 3');
    await goTo(page, '/apps');
    await page.getByRole('main').getByRole('button', { name: 'New app' }).click();
    const dialog = page.getByRole('dialog', { name: 'Deploy folder' });
    await dialog.getByLabel('or a folder on the machine').fill(folder);
    await dialog.getByRole('button', { name: 'Look' }).click();
    await dialog.getByLabel('Name of the app').fill('broken');
    await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();

    const failed = page.getByRole('region', { name: 'Deploy failed' });
    await failed.waitFor({ timeout: 60_000 });
    const phase = failed.getByRole('button', { name: /^Compile/ });
    expect(await phase.getAttribute('aria-expanded')).toBe('true');
    await failed
      .getByRole('region', { name: 'Output of: Compile' })
      .getByText('looking for the part')
      .first()
      .waitFor();
    expect(await failed.getByRole('alert').innerText()).toMatch(/\w+.*\.\s+.*say what went wrong/s);

    await page.reload();
    await failed
      .getByRole('region', { name: 'Output of: Compile' })
      .getByText('looking for the part')
      .first()
      .waitFor();

    await write('echo found');
    await failed.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('menuitem', { name: 'Try again', exact: true }).click();
    await page.getByRole('region', { name: /^Deployed v\d+/ }).waitFor({ timeout: 60_000 });
    await rm(folder, { recursive: true, force: true });
  });

  it('10: rolls back through the dialog, and no value of a config var is ever in the page', async () => {
    const seen: string[] = [];
    const look = async (): Promise<void> => {
      const html = await page.content();
      seen.push(...SECRETS.filter((secret) => html.includes(secret)));
    };
    await host.client.call('config.update', { app: APP, change: { TOKEN: SECRETS[0] } });
    const { release } = await host.client.call('config.update', { app: APP, change: { TOKEN: SECRETS[1] } });
    const version = release?.version ?? 0;
    await page.getByRole('link', { name: 'Config' }).click();
    await page.getByText('TOKEN', { exact: true }).waitFor();
    await look();
    await page.getByRole('link', { name: 'Releases' }).click();
    await page.getByRole('checkbox', { name: `Compare v${version}` }).check();
    await page.getByRole('checkbox', { name: `Compare v${version - 2}` }).check();
    await page
      .getByRole('region', { name: `From v${version - 2} to v${version}` })
      .getByText('TOKEN')
      .waitFor();
    await look();
    await page.getByRole('button', { name: `Roll back to v${version - 1}` }).click();
    const dialog = page.getByRole('dialog', { name: `Roll back ${APP} to v${version - 1}?` });
    await dialog.getByRole('row', { name: /TOKEN/ }).getByText('(another value)').waitFor();
    await look();
    await dialog.getByRole('button', { name: `Roll back to v${version - 1}` }).click();
    await page
      .getByRole('list', { name: 'Releases' })
      .getByText(`v${version + 1}`, { exact: true })
      .waitFor();
    for (const tab of ['Activity', 'Logs', 'Overview', 'Config']) {
      await page
        .getByRole('navigation', { name: `Parts of ${APP}` })
        .getByText(tab)
        .click();
      await page.waitForLoadState('networkidle');
      await look();
    }
    const reveal = page.getByRole('button', { name: 'Reveal TOKEN' });
    await reveal.waitFor();
    await look();
    expect(seen).toEqual([]);
    await reveal.click();
    await page.getByText(SECRETS[0]).waitFor();
    expect((await host.client.call('config.get', { app: APP })).vars['TOKEN']).toBe(SECRETS[0]);
  });

  /** Dynos that the engine is asked to run. */
  async function wanted(): Promise<number> {
    const { formation } = await host.client.call('formation.get', { app: APP });
    return formation.find(({ type }) => type === 'web')?.quantity ?? 0;
  }

  function untilWeb(quantity: number): Promise<void> {
    return waitFor(`${quantity} web dynos wanted`, async () => (await wanted()) === quantity, 20_000);
  }
});

describe.skipIf(whyNoChromium() !== null || whyNoPrivateDocker() !== null)('Docker under the open UI', () => {
  const env = { SLIPWAY_RUNTIME: 'docker' };
  let docker: PrivateDocker | null = null;
  let host: Host | null = null;
  let browser: Browser | null = null;

  afterAll(async () => {
    await browser?.close();
    await host?.kill();
    await docker?.close();
    if (host === null) return;
    // What the first engine left in the machine's Docker goes with the app.
    const last = await startHost(env, host.home);
    const isUp = async (): Promise<boolean> =>
      (await last.client.call('dynos.list', { app: APP })).dynos.filter(({ state }) => state === 'up')
        .length === 2;
    await waitFor('its dynos', isUp);
    await last.client.call('apps.destroy', { app: APP, confirm: APP });
    await last.stop();
  });

  it(`7: Docker ends and comes back: said within ${SAID_MS / 1000} s, dynos right within ${RIGHT_MS / 1000} s`, async () => {
    host = await startHost(env);
    await deployTalker(host, APP);
    await host.kill();
    docker = await startPrivateDocker();
    host = await startHost({ ...env, DOCKER_HOST: docker.address }, host.home);
    const { client } = host;
    await client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity: 2 }] });
    browser = await openBrowser();
    const { page, problems } = await openUi(browser, host, { path: `/apps/${APP}` });
    const up = page
      .getByRole('list', { name: 'Dynos', exact: true })
      .getByRole('button', { name: /^web\.\d+ up/ });
    const banner = page.getByRole('alert').filter({ hasText: 'Docker does not answer' });
    const ids = async (): Promise<string[]> =>
      (await client.call('dynos.list', { app: APP })).dynos.flatMap(({ id, state }) =>
        state === 'up' ? [id] : [],
      );
    const isUp = async (): Promise<boolean> => (await ids()).length === 2 && (await up.count()) === 2;
    await waitFor('two dynos', isUp);
    const before = await ids();

    await docker.kill();
    const killed = performance.now();
    await banner.waitFor({ timeout: SAID_MS });
    const said = performance.now() - killed;
    expect(await ids()).toEqual(before);

    await docker.start();
    const started = performance.now();
    await banner.waitFor({ state: 'detached', timeout: RIGHT_MS });
    const isRight = async (): Promise<boolean> =>
      (await isUp()) && (await ids()).every((id) => !before.includes(id));
    await waitFor('new dynos in place of those that ended with Docker', isRight, RIGHT_MS);
    const right = performance.now() - started;
    console.log(
      `Docker away: said after ${said.toFixed(0)} ms; back: dynos right after ${right.toFixed(0)} ms`,
    );
    await page.getByRole('list', { name: 'Apps in the side bar' }).getByText(APP).waitFor();
    expect(problems).toEqual([]);
  });
});
