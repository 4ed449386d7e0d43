import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { type Host, startHost, waitFor } from '../e2e/support/host.ts';
import { openBrowser, openUi, type Ui, whyNoChromium } from './support/browser.ts';
import { copyShown, LogUi } from './support/log-ui.ts';
import { deployTalker } from './support/talker.ts';

const APP = 'flooded';
/** Lines a second (reference: ui-anchors 2.2). */
const RATE = 2_000;
/** How long it goes on; `SLIPWAY_FLOOD_SECONDS=60` for a long run. */
const SECONDS = Number(process.env['SLIPWAY_FLOOD_SECONDS'] ?? 10);
/** Lines that the page keeps, less what may come between two copies. */
const COPY_EVERY = 6_000;

/** What the page counts of itself while it is flooded. */
interface Figures {
  longestFrame: number;
  longFrames: number;
  frames: number;
  mostRows: number;
  /** Frames that were painted with no row at the top or the bottom of the list. */
  blankFrames: number;
}

describe.skipIf(whyNoChromium() !== null)(`${RATE} lines a second for ${SECONDS} s`, () => {
  let host: Host;
  let browser: Browser;
  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await host?.client.call('apps.destroy', { app: APP, confirm: APP });
    await host?.stop();
  });

  it(
    'shows every line, or a gap row in its place, with few rows in the page',
    async () => {
      const talker = await deployTalker(host, APP);
      const ui = await openUi(browser, host, { path: `/apps/${APP}/logs` });
      const { page } = ui;
      const log = new LogUi(page);
      await log.box.locator('[data-index]').first().waitFor();
      await page.getByRole('log', { name: 'App log' }).focus();
      await measure(page);
      await talker.count(RATE * SECONDS, RATE);
      const { seen, gaps } = await collect(page, log, RATE * SECONDS);
      const figures = await page.evaluate(() => (window as unknown as { figures: Figures }).figures);
      const lost = RATE * SECONDS - seen.size;
      console.log(
        `${RATE * SECONDS} lines: ${lost} not seen, ${gaps} told in gap rows; longest frame ${figures.longestFrame.toFixed(0)} ms, ` +
          `${figures.longFrames} of ${figures.frames} over 200 ms; ${figures.blankFrames} blank; at most ${figures.mostRows} rows in the page; ${await heap(ui)}`,
      );
      expect(lost).toBeLessThanOrEqual(gaps);
      expect(figures.blankFrames).toBe(0);
      expect(figures.mostRows).toBeGreaterThan(10);
      expect(figures.mostRows).toBeLessThan(100);
      expect(await log.follows()).toBe(true);
      expect(ui.problems).toEqual([]);
      await ui.close();
    },
    (SECONDS + 120) * 1_000,
  );
});

/** Has the page note the time between frames and how many rows it holds. */
async function measure(page: Page): Promise<void> {
  await page.evaluate(() => {
    const figures: Figures = { longestFrame: 0, longFrames: 0, frames: 0, mostRows: 0, blankFrames: 0 };
    (window as unknown as { figures: Figures }).figures = figures;
    const box = document.querySelector('[role="log"]');
    const painted = new MessageChannel();
    painted.port1.onmessage = () => {
      if (box === null || box.scrollHeight <= box.clientHeight) return;
      const view = box.getBoundingClientRect();
      const places = [...box.querySelectorAll('[data-index]')].map((row) => row.getBoundingClientRect());
      const covers = (at: number): boolean => places.some(({ top, bottom }) => top <= at && bottom >= at);
      if (!covers(view.top + 30) || !covers(view.bottom - 30)) figures.blankFrames += 1;
    };
    let before = performance.now();
    const frame = (now: number): void => {
      const took = now - before;
      before = now;
      figures.frames += 1;
      if (took > 200) figures.longFrames += 1;
      figures.longestFrame = Math.max(figures.longestFrame, took);
      figures.mostRows = Math.max(figures.mostRows, document.querySelectorAll('[data-index]').length);
      painted.port2.postMessage(null);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/** Copies what the panel holds often enough to have had each line, and reads its gap rows. */
async function collect(
  page: Page,
  log: LogUi,
  lines: number,
): Promise<{ seen: ReadonlySet<number>; gaps: number }> {
  const seen = new Set<number>();
  const copy = async (): Promise<void> => {
    for (const line of await copyShown(page)) {
      const number = Number(/^count (\d+) of a line that is about as long as lines are$/.exec(line)?.[1]);
      if (!Number.isNaN(number)) seen.add(number);
    }
  };
  for (let next = COPY_EVERY; next < lines; next += COPY_EVERY) {
    await waitFor(`line ${next}`, async () => (await log.lastCount()) >= next, 240_000);
    await copy();
  }
  await log.untilLast(new RegExp(`^count ${String(lines).padStart(7, '0')}`));
  await copy();
  return { seen, gaps: seen.size === lines ? 0 : await gapRows(page, log) };
}

/** Sum of the lines that gap rows tell of. A choice of sources hides lines and leaves gaps. */
async function gapRows(page: Page, log: LogUi): Promise<number> {
  await log.chip('api').click({ modifiers: ['Alt'] });
  const texts = await log.box.getByText(/^[\d,]+ lines? (skipped|older)/).allInnerTexts();
  await page.getByRole('button', { name: 'Show all' }).click();
  return texts.reduce((sum, text) => sum + Number(/^[\d,]+/.exec(text)?.[0].replaceAll(',', '')), 0);
}

async function heap({ cdp }: Ui): Promise<string> {
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('Performance.enable');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const used = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0;
  return `JS heap ${(used / 1e6).toFixed(1)} MB`;
}
