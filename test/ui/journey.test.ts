import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppFolder, expressApp } from '../e2e/support/app-folder.ts';
import { whyNoDocker } from '../e2e/support/docker.ts';
import { type Host, startHost, untilAnswer, waitFor } from '../e2e/support/host.ts';
import { dropFolder, openBrowser, openUi, tabTo, type Ui, whyNoChromium } from './support/browser.ts';

const skip = (whyNoChromium() ?? whyNoDocker()) !== null;

describe.skipIf(skip)('a person’s way through the UI, on Docker', () => {
  let host: Host;
  let browser: Browser;
  let folder: AppFolder;

  beforeAll(async () => {
    folder = await expressApp();
    host = await startHost({ SLIPWAY_RUNTIME: 'docker' });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await destroyAll(host);
    await host?.stop();
    await folder?.remove();
  });

  it('drops a folder, deploys, scales, deploys again, rolls back', async () => {
    const ui = await openUi(browser, host);
    const { page } = ui;
    await page.getByText('Drop a project folder here').waitFor();
    const samples = page.getByRole('list', { name: 'Samples' }).getByRole('listitem');
    await waitFor('five samples', async () => (await samples.count()) === 5);

    const { name, version } = await deployByDrop(ui, folder.path);
    await untilAnswer(host, name, 'hello from version one\n');
    await opensApp(page, name);
    await scaleByKeys(page, 3);

    await folder.greet('hello from version two');
    await dropFolder(ui, folder.path);
    const again = page.getByRole('dialog', { name: `Deploy folder to ${name}` });
    await again.getByText(`A new release of ${name}.`).waitFor();
    await again.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.getByRole('region', { name: `Deployed v${version + 1}` }).waitFor({ timeout: 120_000 });
    await untilAnswer(host, name, 'hello from version two\n');

    await rollBackTo(page, name, version);
    await untilAnswer(host, name, 'hello from version one\n');
    await page
      .getByRole('navigation', { name: `Parts of ${name}` })
      .getByText('Logs')
      .click();
    await findInLog(page, `Rollback to v${version}`, 1);
    await findInLog(page, 'Scaled to web@3', 1);
    await findInLog(page, `Release v${version + 1} created`, 1);
    await findInLog(page, 'Build succeeded', 2);
    expect(ui.problems).toEqual([]);
    await ui.close();
  }, 240_000);

  it('does it all without a mouse: a sample, its log, scale, roll back', async () => {
    await destroyAll(host);
    const ui = await openUi(browser, host);
    const { page } = ui;
    const { keyboard } = page;
    await tabTo(page, 'button', 'Deploy sample Hello, Node.js');
    await keyboard.press('Enter');
    await page.getByRole('region', { name: /^Deployed v/ }).waitFor({ timeout: 120_000 });
    const name = await page.getByRole('heading', { level: 1 }).innerText();

    await tabTo(page, 'log', 'App log');
    await keyboard.press('ArrowUp');
    expect(await follow(page).getAttribute('aria-checked')).toBe('false');
    await keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Log line' }).waitFor();
    await tabTo(page, 'button', 'Close line');
    await keyboard.press('Enter');
    await tabTo(page, 'log', 'App log');
    await keyboard.press('End');
    await waitFor(
      'following again',
      async () => (await follow(page).getAttribute('aria-checked')) === 'true',
    );

    await tabTo(page, 'slider', 'web dynos');
    await keyboard.press('ArrowRight');
    await page.getByRole('button', { name: /^web\.2 up/ }).waitFor({ timeout: 60_000 });

    await tabTo(page, 'link', 'Config');
    await keyboard.press('Enter');
    await tabTo(page, 'textbox', 'Name');
    await keyboard.type('COLOR');
    await tabTo(page, 'textbox', 'Value');
    await keyboard.type('green');
    await keyboard.press('Enter');
    await page.getByRole('button', { name: 'Reveal COLOR' }).waitFor();
    await keyboard.press('Control+k');
    await keyboard.type('roll back');
    await page
      .getByRole('option', { selected: true })
      .getByText(/^Roll back to v\d+…$/)
      .waitFor();
    await keyboard.press('Enter');
    await page.getByRole('dialog', { name: /^Roll back hello-node to v\d+\?$/ }).waitFor();
    await tabTo(page, 'button', /^Roll back to v\d+$/);
    await keyboard.press('Enter');
    await page.getByText(/^hello-node: v\d+ is a rollback to v\d+$/).waitFor();
    await page.getByRole('button', { name: 'Reveal COLOR' }).waitFor({ state: 'detached' });
    expect(name).toBe('hello-node');
    expect(ui.problems).toEqual([]);
    await ui.close();
  }, 240_000);

  /** Drops the folder, sees what was found, deploys. */
  async function deployByDrop(ui: Ui, path: string): Promise<{ name: string; version: number }> {
    const { page } = ui;
    await dropFolder(ui, path);
    const dialog = page.getByRole('dialog', { name: 'Deploy folder' });
    const name = await dialog.getByLabel('Name of the app').inputValue();
    const found = await dialog.innerText();
    for (const text of ['Node.js', 'web', 'node server.js', 'worker', 'node worker.js'])
      expect(found).toContain(text);
    await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
    const timeline = page.getByRole('region', { name: /^Deployed v/ });
    await timeline.waitFor({ timeout: 120_000 });
    expect(await timeline.getByRole('listitem').count()).toBe(8);
    expect(new URL(page.url()).pathname).toBe(`/apps/${name}`);
    const title = await timeline.getByRole('heading').innerText();
    return { name, version: Number(/\d+$/.exec(title)?.[0]) };
  }

  async function opensApp(page: Page, name: string): Promise<void> {
    const popup = page.context().waitForEvent('page');
    await page.getByRole('button', { name: 'Open app' }).click();
    const opened = await popup;
    await opened.getByText('hello from version one').waitFor();
    expect(new URL(opened.url()).host).toBe(`${name}.localhost:${host.routerPort}`);
    await opened.close();
  }
});

async function scaleByKeys(page: Page, wanted: number): Promise<void> {
  const slider = page.getByRole('slider', { name: 'web dynos' });
  await slider.focus();
  while (Number(await slider.inputValue()) < wanted) await page.keyboard.press('ArrowRight');
  const dynos = page.getByRole('list', { name: 'Dynos', exact: true });
  await waitFor(
    `${wanted} web dynos up`,
    async () => (await dynos.getByRole('button', { name: /^web\.\d+ up/ }).count()) === wanted,
  );
}

async function rollBackTo(page: Page, app: string, version: number): Promise<void> {
  await page
    .getByRole('navigation', { name: `Parts of ${app}` })
    .getByText('Releases')
    .click();
  const releases = page.getByRole('list', { name: 'Releases' });
  await releases.getByRole('button', { name: `Roll back to v${version}` }).click();
  const dialog = page.getByRole('dialog', { name: `Roll back ${app} to v${version}?` });
  await dialog.getByRole('columnheader', { name: `v${version}` }).waitFor();
  await dialog.getByRole('button', { name: `Roll back to v${version}` }).click();
  await dialog.waitFor({ state: 'detached' });
  await releases.getByText(`Rollback to v${version}`).waitFor();
}

/** Finds a phrase in the log and sees at least so many lines of it. */
async function findInLog(page: Page, text: string, atLeast: number): Promise<void> {
  await page.getByRole('searchbox', { name: 'Find in log' }).fill(`"${text}"`);
  await waitFor(`${atLeast} lines with ${text}`, async () => {
    const counted = await page.getByRole('region', { name: 'Log' }).locator('output').innerText();
    return Number(counted) >= atLeast;
  });
}

function follow(page: Page): Locator {
  return page.getByRole('switch', { name: 'Follow' });
}

async function destroyAll(host: Host | undefined): Promise<void> {
  for (const { id, name } of (await host?.client.call('apps.list', {}))?.apps ?? []) {
    await host?.client.call('apps.destroy', { app: id, confirm: name });
  }
}
