import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, startHost, waitFor } from '../e2e/support/host.ts';
import { openBrowser, openUi, type Ui, whyNoChromium } from './support/browser.ts';

const BUILT = join(import.meta.dirname, '..', '..', 'dist', 'renderer');
/** Most that the page loads before it can be used, in bytes as sent. */
const MOST_BYTES = 300_000;
const APPS = 20;
/** How long a hidden page is watched, in milliseconds. */
const WATCHED = 3_000;

describe.skipIf(whyNoChromium() !== null)('the start of the UI', () => {
  let host: Host;
  let browser: Browser;
  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    browser = await openBrowser();
    for (let at = 1; at <= APPS; at += 1) await host.client.call('apps.create', { name: `app-${at}` });
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  it('loads little before it can be used', async () => {
    const page = await readFile(join(BUILT, 'index.html'), 'utf8');
    const files = [...page.matchAll(/(?:src|href)="\/(\S+\.(?:js|css))"/g)].map(([, file = '']) => file);
    const sizes = await Promise.all(
      files.map(async (file) => gzipSync(await readFile(join(BUILT, file))).length),
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`start bundle: ${(total / 1_000).toFixed(1)} kB gzip in ${files.length} files`);
    expect(files.length).toBeGreaterThan(1);
    expect(total).toBeLessThanOrEqual(MOST_BYTES);
    const late = (await readdir(join(BUILT, 'assets'))).filter((file) => /^terminal.*\.js$/.test(file));
    expect(late).toHaveLength(1);
  });

  it(`shows ${APPS} apps, ready to be used`, async () => {
    const first = await openUi(browser, host);
    const { page } = first;
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const began = performance.now();
      await page.goto('about:blank');
      await page.goto(new URL('/apps', host.uiUrl).href, { waitUntil: 'commit' });
      await page
        .getByRole('list', { name: 'Apps', exact: true })
        .getByRole('listitem')
        .nth(APPS - 1)
        .waitFor();
      times.push(performance.now() - began);
    }
    times.sort((one, other) => one - other);
    console.log(`usable with ${APPS} apps after ${times[2]?.toFixed(0)} ms (median of 5, page in the cache)`);
    await page
      .getByRole('list', { name: 'Apps', exact: true })
      .getByRole('link', { name: 'app-7', exact: true })
      .click();
    await page.getByRole('heading', { level: 1, name: 'app-7' }).waitFor();
    expect(first.problems).toEqual([]);
    await first.close();
  });

  it('rests while nobody sees it', async () => {
    const ui = await openUi(browser, host, { path: '/apps/app-1' });
    await ui.page.getByRole('log', { name: 'App log' }).waitFor();
    const frames: string[] = [];
    ui.page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => frames.push(String(payload).slice(0, 80)));
    });
    await ui.page.reload();
    await ui.page.getByText(/GB$/).first().waitFor();
    const awake = await busyShare(ui);
    await hide(ui);
    const before = frames.length;
    const hidden = await busyShare(ui);
    console.log(
      `page’s main thread: ${awake} of a core while seen, ${hidden} hidden; ${frames.length - before} messages while hidden`,
    );
    // One may have been on its way already; a page that is seen gets one each second.
    expect(frames.length - before).toBeLessThanOrEqual(1);
    expect(ui.problems).toEqual([]);
    await ui.close();
  });
});

/** Has the page believe that its window is hidden, as a minimised one is. */
async function hide({ page }: Ui): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await waitFor('the page to be hidden', () => page.evaluate(() => document.hidden));
}

/** Share of the time that the page's main thread was at work. */
async function busyShare({ page, cdp }: Ui): Promise<string> {
  await cdp.send('Performance.enable');
  const read = async (): Promise<number> => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  };
  const before = await read();
  await page.waitForTimeout(WATCHED);
  return `${((100 * ((await read()) - before)) / (WATCHED / 1_000)).toFixed(2)} %`;
}
