import type { Locator, Page } from 'playwright-core';
import { waitFor } from '../../e2e/support/host.ts';

/** The log panel as a person sees it. */
export class LogUi {
  readonly box: Locator;
  readonly search: Locator;
  private readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    this.box = page.getByRole('log', { name: 'App log' });
    this.search = page.getByRole('searchbox', { name: 'Find in log' });
  }

  /** The text part of the rows on screen with that text. */
  row(text: string): Locator {
    return this.box.locator('time ~ span + span').filter({ hasText: text });
  }

  chip(source: string): Locator {
    return this.page.getByRole('group', { name: 'Sources' }).getByRole('button', { name: `${source} ` });
  }

  async follows(): Promise<boolean> {
    return (await this.page.getByRole('switch', { name: 'Follow' }).getAttribute('aria-checked')) === 'true';
  }

  async wheel(pixels: number): Promise<void> {
    await this.box.hover();
    await this.page.mouse.wheel(0, pixels);
  }

  async find(text: string): Promise<void> {
    await this.search.fill(text);
  }

  /** Waits until the note beside the search field reads so. */
  async note(text: string | RegExp): Promise<void> {
    const note = this.page.getByRole('region', { name: 'Log' }).locator('output');
    await waitFor(`the note ${text.toString()}`, async () => {
      const shown = await note.innerText();
      return typeof text === 'string' ? shown === text : text.test(shown);
    });
  }

  /** Switches an entry of the settings menu. */
  async setting(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Log settings' }).click();
    await this.page.getByRole('menu').getByText(name, { exact: true }).click();
    await this.page.keyboard.press('Escape');
    await this.page.getByRole('menu').waitFor({ state: 'detached' });
  }

  /** Waits until a line that looks so is among the last on screen. */
  async untilLast(pattern: RegExp): Promise<void> {
    await waitFor(`the line ${pattern.source}`, async () =>
      (await this.visible()).some(({ text }) => pattern.test(text)),
    );
  }

  /** Number of the last numbered line on screen, 0 when there is none. */
  async lastCount(): Promise<number> {
    const counts = (await this.visible()).map(({ text }) => Number(/^count (\d+)/.exec(text)?.[1] ?? 0));
    return Math.max(0, ...counts);
  }

  async newLines(): Promise<number> {
    const button = this.page.getByRole('button', { name: /^↓ [\d,]+ new lines?$/ });
    if ((await button.count()) === 0) return 0;
    return Number((await button.innerText()).replace(/\D/g, ''));
  }

  /** The line that is wholly visible at the top, once scrolling has come to rest. */
  async settledTop(): Promise<{ readonly text: string; readonly top: number }> {
    let before = '';
    let found: { text: string; top: number } | undefined;
    await waitFor('the end of scrolling', async () => {
      found = (await this.visible()).find(({ top, text }) => top >= 0 && text.startsWith('count'));
      const same = JSON.stringify(found) === before;
      before = JSON.stringify(found);
      return same && found !== undefined;
    });
    return found as { text: string; top: number };
  }

  /** Where a line begins, in pixels below the top of the list; undefined when it is not drawn. */
  async place(text: string): Promise<number | undefined> {
    return (await this.visible()).find((row) => row.text === text)?.top;
  }

  async isInView(text: string): Promise<boolean> {
    const height = (await this.box.boundingBox())?.height ?? 0;
    const top = await this.place(text);
    return top !== undefined && top >= 0 && top < height;
  }

  /** The drawn lines in order of their places. */
  private visible(): Promise<{ text: string; top: number }[]> {
    return this.box.evaluate((box) => {
      const { top } = box.getBoundingClientRect();
      return [...box.querySelectorAll('[data-index]')]
        .map((row) => ({
          text: row.querySelector('[data-stream] > span:last-child')?.textContent ?? '',
          top: row.getBoundingClientRect().top - top,
        }))
        .sort((one, other) => one.top - other.top);
    });
  }
}

/** Copies all lines that are shown with the keys for it, and reads the clipboard. */
export async function copyShown(page: Page): Promise<string[]> {
  const box = page.getByRole('log', { name: 'App log' });
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await box.focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+c');
  let copied = '';
  await waitFor('the copy', async () => {
    copied = await page.evaluate(() => navigator.clipboard.readText());
    return copied !== '';
  });
  return copied.split('\n');
}
