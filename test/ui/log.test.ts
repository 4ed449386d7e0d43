import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { type Host, startHost, waitFor } from '../e2e/support/host.ts';
import { goTo, openBrowser, openUi, type Ui, whyNoChromium } from './support/browser.ts';
import { copyShown, LogUi } from './support/log-ui.ts';
import { deployTalker, type Talker } from './support/talker.ts';

const APP = 'talker';

describe.skipIf(whyNoChromium() !== null)('the log panel', () => {
  let host: Host;
  let browser: Browser;
  let talker: Talker;
  let ui: Ui;
  let page: Page;
  let log: LogUi;
  let env: Record<string, string>;

  beforeAll(async () => {
    const port = await freePort();
    env = { SLIPWAY_RUNTIME: 'process', SLIPWAY_API_PORT: String(port) };
    host = await startHost(env);
    browser = await openBrowser();
    talker = await deployTalker(host, APP);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.client.call('apps.destroy', { app: APP, confirm: APP });
    await host?.stop();
    if (host) await rm(host.home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    ui = await openUi(browser, host, { path: `/apps/${APP}/logs` });
    ({ page } = ui);
    log = new LogUi(page);
    await log.box.locator('[data-index]').first().waitFor();
  });
  afterEach(async () => {
    expect(ui.problems).toEqual([]);
    await ui.close();
  });

  it('ends following with the wheel, says how much is new, and follows again at the button', async () => {
    await talker.count(300, 10_000);
    await log.untilLast(/^count 0000300/);
    await log.wheel(-400);
    await waitFor('the end of following', async () => !(await log.follows()));
    await talker.count(128, 10_000);
    await page.getByRole('button', { name: /^↓ 1(29|28) new lines$/ }).click();
    await log.untilLast(/^count 0000428/);
    expect(await log.follows()).toBe(true);
  });

  it('keeps the line that is read on its pixel while a flood goes on and rows fall out of the ring', async () => {
    await talker.count(9_000, 20_000);
    await log.untilLast(/^count 0009428/);
    await log.wheel(-8_000);
    await waitFor('the end of following', async () => !(await log.follows()));
    const read = await log.settledTop();
    await talker.count(5_000, 2_500);
    const places = new Set<number>();
    await waitFor('5 000 new lines', async () => {
      places.add((await log.place(read.text)) ?? Number.NaN);
      return (await log.newLines()) >= 5_000;
    });
    places.add((await log.place(read.text)) ?? Number.NaN);
    expect([...places].map((place) => Math.round(place))).toEqual([Math.round(read.top)]);
    await page.keyboard.press('Home');
    const first = (await copyShown(page)).find((line) => line.startsWith('count '));
    expect(first).not.toMatch(/^count 000000/);
  });

  it('pauses, tells how much waits, and shows a gap for what left the memory meanwhile', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await talker.say('said while paused');
    const resume = page.getByRole('button', { name: /^Resume · [1-9]$/ });
    await resume.waitFor();
    expect(await log.row('said while paused').count()).toBe(0);
    await resume.click();
    await log.row('said while paused').first().waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    const shownLast = await log.lastCount();
    const before = await talker.count(12_000, 20_000);
    await page.getByRole('button', { name: /^Resume · 12,00\d$/ }).waitFor();
    expect(await log.lastCount()).toBe(shownLast);
    await page.getByRole('button', { name: /^Resume/ }).click();
    await log.untilLast(new RegExp(`^count ${String(before + 12_000).padStart(7, '0')}`));
    await log.box.focus();
    await page.keyboard.press('Home');
    const gap = await log.box.getByText(/lines left the view while it was paused$/).innerText();
    const shown = (await copyShown(page)).filter((line) => line.startsWith('count '));
    const missing = 12_000 - shown.length;
    expect(Math.abs(Number(gap.replace(/\D/g, '')) - missing)).toBeLessThanOrEqual(3);
  });

  it('finds, steps, tells of a bad pattern, filters, and shows a line in its context', async () => {
    const lines = Array.from({ length: 41 }, (_, at) => `before ${at}\nneedle number ${at + 1}\nafter ${at}`);
    await talker.say(lines.join('\n'));
    await log.row('needle number 41').waitFor();
    await log.find('needle');
    await log.note('41');
    for (const place of ['1 of 41', '2 of 41', '3 of 41']) {
      await page.keyboard.press('Enter');
      await log.note(place);
    }
    await page.keyboard.press('Shift+Enter');
    await log.note('2 of 41');
    expect(await log.box.locator('mark').first().innerText()).toBe('needle');

    await page.getByRole('button', { name: 'Regular expression' }).click();
    await log.find('needle (');
    await log.note(/^The pattern cannot be read: /);
    expect(await log.search.getAttribute('aria-invalid')).toBe('true');
    await page.getByRole('button', { name: 'Regular expression' }).click();

    await log.find('needle');
    await page.getByRole('button', { name: 'Show only lines that match' }).click();
    await waitFor('only lines that match', async () =>
      (await copyShown(page)).every((line) => line.includes('needle')),
    );
    expect(await copyShown(page)).toEqual(Array.from({ length: 41 }, (_, at) => `needle number ${at + 1}`));
    await log.row('needle number 20').click();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Show in context' }).click();
    await log.row('after 19').waitFor();
    expect(await log.isInView('needle number 20')).toBe(true);
    expect(await log.isInView('before 19')).toBe(true);
    await log.search.focus();
    await page.keyboard.press('Escape');
    expect(await log.search.inputValue()).toBe('');
    expect(await log.box.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it('keeps the choice of sources when a new dyno starts, and offers its chip', async () => {
    await log.chip('web.1').click({ modifiers: ['Alt'] });
    await log.chip('router').click();
    await host.client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity: 2 }] });
    await log.chip('web.2').waitFor();
    const pressed = await Promise.all(
      ['web.1', 'router', 'web.2', 'api'].map((name) => log.chip(name).getAttribute('aria-pressed')),
    );
    expect(pressed).toEqual(['true', 'true', 'false', 'false']);
    expect(await log.box.getByTitle('app[web.2]').count()).toBe(0);
    await log.chip('web.2').click();
    await log.box.getByTitle('app[web.2]').first().waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(await log.chip('api').getAttribute('aria-pressed')).toBe('true');
    await host.client.call('formation.update', { app: APP, updates: [{ type: 'web', quantity: 1 }] });
  });

  it('colours what the app coloured, wraps, and keeps its settings over a reload', async () => {
    await talker.say(`\x1b[31mred words\x1b[0m and ${'long '.repeat(120)}end`);
    const row = log.row('red words and');
    await row.waitFor();
    const colour = (text: string): Promise<string> =>
      row.getByText(text, { exact: true }).evaluate((element) => getComputedStyle(element).color);
    const plain = await row.evaluate((element) => getComputedStyle(element).color);
    expect(await colour('red words')).not.toBe(plain);
    const height = async (): Promise<number> => (await row.boundingBox())?.height ?? 0;
    expect(await height()).toBeGreaterThan(60);
    await log.setting('Wrap long lines');
    await waitFor('one line', async () => (await height()) < 30);
    expect(await log.box.evaluate((element) => element.scrollWidth > element.clientWidth)).toBe(true);
    await log.setting('With milliseconds');
    await log.find('red');
    await page.reload();
    await row.waitFor();
    expect(await height()).toBeLessThan(30);
    expect(await row.locator('xpath=..').locator('time').innerText()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
    expect(await log.search.inputValue()).toBe('red');
    await log.setting('Colours of the app');
    expect(await row.locator('[style]').count()).toBe(0);
  });

  it('goes on without loss or repeat when the engine is killed and started again', async () => {
    const first = (await talker.count(600, 60)) + 1;
    await log.untilLast(/^count /);
    await host.kill();
    const banner = page.getByText('Reconnecting: the engine does not answer');
    await banner.waitFor();
    host = await startHost(env, host.home);
    await banner.waitFor({ state: 'detached' });
    await log.untilLast(new RegExp(`^count ${String(first + 599).padStart(7, '0')}`));
    const counted = (await copyShown(page))
      .map((line) => Number(/^count (\d+)/.exec(line)?.[1]))
      .filter((count) => count >= first);
    expect(counted).toEqual(Array.from({ length: 600 }, (_, at) => first + at));
    // The browser itself writes down each try that met no engine.
    const own = ui.problems.filter((problem) => !problem.includes('ERR_CONNECTION_REFUSED'));
    ui.problems.splice(0, ui.problems.length, ...own);
    await goTo(page, `/apps/${APP}`);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
