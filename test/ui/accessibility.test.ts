import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axeCore from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, startHost } from '../e2e/support/host.ts';
import { goTo, openBrowser, openUi, whyNoChromium } from './support/browser.ts';
import { LogUi } from './support/log-ui.ts';
import { deployTalker, type Talker } from './support/talker.ts';

const APP = 'plain-words';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(whyNoChromium() !== null)('the UI for everybody', () => {
  let host: Host;
  let browser: Browser;
  let talker: Talker;
  let emptyFindings: string[];

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    browser = await openBrowser();
    emptyFindings = await emptyStart();
    talker = await deployTalker(host, APP);
    await host.client.call('config.update', { app: APP, change: { COLOR: 'green' } });
    const colours = [...Array(8).keys()].map(
      (code) => `\x1b[3${code}mcolour ${code}\x1b[0m \x1b[9${code}mbright\x1b[0m`,
    );
    await talker.say(`${colours.join(' ')}\nERROR something failed\nWARN nearly`);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.client.call('apps.destroy', { app: APP, confirm: APP });
    await host?.stop();
  });

  /** The screen before there is any app, in both themes. */
  async function emptyStart(): Promise<string[]> {
    const findings: string[] = [];
    for (const theme of ['light', 'dark'] as const) {
      const ui = await openUi(browser, host, { theme });
      await ui.page
        .getByRole('button', { name: /^Deploy sample/ })
        .first()
        .waitFor();
      findings.push(...(await audit(ui.page, `no apps, ${theme}`)), ...ui.problems);
      await ui.close();
    }
    return findings;
  }

  it('has no serious finding before there is an app', () => {
    expect(emptyFindings).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('has no serious finding on any screen, %s', async (theme) => {
    const ui = await openUi(browser, host, { theme });
    const { page } = ui;
    const findings: string[] = [];
    for (const [path, ready] of screens()) {
      await goTo(page, path);
      await ready(page).waitFor();
      findings.push(...(await audit(page, path)));
    }
    for (const [name, path, open] of DIALOGS) {
      await goTo(page, path);
      await open(page);
      await page.getByRole('dialog').first().waitFor();
      findings.push(...(await audit(page, name)));
    }
    await goTo(page, `/apps/${APP}`);
    await page.getByRole('button', { name: 'One web dyno more' }).click();
    await page
      .getByText(/: 1 → 2 web dynos/)
      .first()
      .waitFor();
    findings.push(...(await audit(page, 'a message')));
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Log settings' }).click();
    await page.getByRole('menu').waitFor();
    findings.push(...(await audit(page, 'the menu of the log')));
    expect(findings).toEqual([]);
    expect(ui.problems).toEqual([]);
    await ui.close();
  });

  it.each(['light', 'dark'] as const)('colours of apps and of sources can be read, %s', async (theme) => {
    const ui = await openUi(browser, host, { theme, path: `/apps/${APP}/logs` });
    await new LogUi(ui.page).row('colour 0').waitFor();
    const ratios = await contrasts(ui.page);
    expect(ratios).toHaveLength(16 + 8);
    expect(ratios.filter(([, ratio]) => !(ratio >= 4.5))).toEqual([]);
    await ui.close();
  });

  it.each([
    ['320 pixels wide', { width: 320, height: 640 }],
    ['at 200 % of 1280 × 800', { width: 640, height: 400, scale: 2 }],
  ])('%s nothing hangs over the side, and what one needs is there', async (_, size) => {
    await talker.say('ERROR something failed');
    const ui = await openUi(browser, host, size);
    for (const [path, ready, button] of screens()) {
      if (button === null) continue;
      await goTo(ui.page, path);
      await ready(ui.page).waitFor();
      expect([path, await sideways(ui.page)]).toEqual([path, []]);
      const shown = ui.page.getByRole('button', { name: button, exact: true }).first();
      await shown.scrollIntoViewIfNeeded();
      const box = await shown.boundingBox();
      expect([
        path,
        button,
        (box?.x ?? -1) >= 0,
        (box?.x ?? 0) + (box?.width ?? 9_999) <= size.width,
      ]).toEqual([path, button, true, true]);
    }
    await ui.close();
  });
});

/** What can be scrolled sideways though it should not: all but the log, rows of tabs and chips, and output of builds. */
function sideways(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('html, main, main *')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .filter(
        (element) =>
          element.matches('html, main') || ['auto', 'scroll'].includes(getComputedStyle(element).overflowX),
      )
      .filter((element) => !element.matches('[role="log"], nav, [aria-label="Sources"], pre'))
      .map((element) => `${element.tagName} ${element.className} ${element.scrollWidth}`),
  );
}

type Screen = readonly [
  path: string,
  ready: (page: Page) => ReturnType<Page['getByRole']>,
  button: string | null,
];

/** Every screen, what shows that it is there, and a button that one needs on it, if there is one. */
function screens(): readonly Screen[] {
  const base = `/apps/${APP}`;
  return [
    ['/apps', (page) => page.getByRole('list', { name: 'Apps', exact: true }), 'New app'],
    [base, (page) => page.getByRole('slider', { name: 'web dynos' }), 'Deploy'],
    [
      `${base}/releases`,
      (page) => page.getByRole('list', { name: 'Releases' }).getByRole('listitem').first(),
      'Deploy',
    ],
    [`${base}/logs`, (page) => new LogUi(page).row('ERROR something failed').first(), 'Pause'],
    [`${base}/config`, (page) => page.getByRole('button', { name: 'Reveal COLOR' }), 'Add'],
    [`${base}/routing`, (page) => page.getByRole('textbox', { name: 'Domain' }), 'Add'],
    [`${base}/console`, (page) => page.getByRole('textbox', { name: 'Command' }), 'Run'],
    [
      `${base}/activity`,
      (page) => page.getByRole('list', { name: 'Activity' }).getByRole('listitem').first(),
      'Deploy',
    ],
    ['/settings', (page) => page.getByText(/^Slipway [\d.]+, started/), 'Clean up'],
    ['/nowhere', (page) => page.getByRole('heading', { name: 'There is nothing here' }), null],
  ];
}

type Opening = readonly [name: string, path: string, open: (page: Page) => Promise<void>];

/** Every dialog, and how it is opened. */
const DIALOGS: readonly Opening[] = [
  [
    'Deploy folder',
    '/apps',
    (page) => page.getByRole('main').getByRole('button', { name: 'New app' }).click(),
  ],
  ['Destroy app', `/apps/${APP}`, (page) => choose(page, 'Destroy app')],
  [
    'Stop all web dynos',
    `/apps/${APP}`,
    (page) => page.getByRole('button', { name: 'One web dyno less' }).click(),
  ],
  [
    'Roll back',
    `/apps/${APP}/releases`,
    (page) =>
      page
        .getByRole('button', { name: /^Roll back to v/ })
        .first()
        .click(),
  ],
  [
    'Edit config vars',
    `/apps/${APP}/config`,
    (page) => page.getByRole('button', { name: 'Edit as text' }).click(),
  ],
  ['Keyboard shortcuts', '/apps', (page) => page.keyboard.press('Shift+?')],
  ['Command palette', `/apps/${APP}`, (page) => page.keyboard.press('Control+k')],
];

async function choose(page: Page, entry: string): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: entry }).click();
}

/** Serious and critical findings of axe, each with the place and the elements. */
async function audit(page: Page, place: string): Promise<string[]> {
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      if (animation.effect?.getComputedTiming().endTime === Infinity) animation.cancel();
      else animation.finish();
    }
  });
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof axeCore };
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes
        .slice(0, 3)
        .map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? node.failureSummary ?? ''}`),
    }));
  });
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${place}: ${id}: ${nodes.join(' | ')}`);
}

/** Contrast of each of the 16 colours, and of each hue of a source, with what they stand on. */
function contrasts(page: Page): Promise<[name: string, ratio: number][]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (canvas === null) throw new Error('no canvas');
    const luminance = (colour: string): number => {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ratio = (one: string, other: string): number => {
      const [light, dark] = [luminance(one), luminance(other)].sort((first, second) => second - first);
      return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
    };
    const coloured = document.querySelector<HTMLElement>('[style*="--ansi-own"]');
    const source = document.querySelector<HTMLElement>('[role="log"] [data-hue]');
    const panel = document.querySelector('[aria-label="Log"]');
    if (coloured === null || source === null || panel === null) throw new Error('no line on screen');
    const behind = getComputedStyle(panel).backgroundColor;
    const found: [string, number][] = [];
    for (let code = 0; code < 16; code += 1) {
      coloured.style.setProperty('--ansi-own', `var(--ansi-${code})`);
      found.push([`colour ${code}`, ratio(getComputedStyle(coloured).color, behind)]);
    }
    for (let hue = 0; hue < 8; hue += 1) {
      source.dataset['hue'] = String(hue);
      found.push([`hue ${hue}`, ratio(getComputedStyle(source).color, behind)]);
    }
    return found;
  });
}
