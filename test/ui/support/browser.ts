import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import type { Host } from '../../e2e/support/host.ts';

/** What the browser must not do by itself while it is measured. */
const FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Why tests in a browser cannot run here, or null when they can. Printed, so that a skip is never silent. */
export function whyNoChromium(): string | null {
  if (program() !== '') return null;
  const reason = 'There is no Chromium (Debian: apt-get install chromium): tests of the UI are skipped';
  console.log(reason);
  return reason;
}

function program(): string {
  const { stdout } = spawnSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], {
    encoding: 'utf8',
  });
  return stdout.trim();
}

/** Starts Chromium without a window. @param more flags beside the usual ones */
export function openBrowser(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: program(), args: [...FLAGS, ...more] });
}

/** The UI in a page of its own, signed in to a host. */
export interface Ui {
  readonly page: Page;
  readonly cdp: CDPSession;
  /** Errors of the page and of its console, and violations of the content policy, so far. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** What a page is opened with. */
export interface UiOptions {
  readonly path?: string;
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  readonly scale?: number;
}

/** Opens the UI of a host. */
export async function openUi(browser: Browser, host: Host, options: UiOptions = {}): Promise<Ui> {
  const { path = '/apps', theme = 'light', width = 1280, height = 800, scale = 1 } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme: theme,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()} ${message.location().url}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
      console.error(`content policy: ${violatedDirective} ${blockedURI} ${sample}`);
    });
  });
  await page.goto(await newUiUrl(host));
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
  if (path !== '/apps') await goTo(page, path);
  return {
    page,
    cdp: await context.newCDPSession(page),
    problems,
    close: () => context.close(),
  };
}

/** A start URL is good for one visit, so each page asks for its own. */
async function newUiUrl({ uiUrl, home }: Host): Promise<string> {
  const key = (await readFile(join(home, 'api-key'), 'utf8')).trim();
  const answer = await fetch(new URL('/ui-urls', uiUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  });
  return ((await answer.json()) as { url: string }).url;
}

/** Goes to an address within the UI as one who types it. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, page.url()).href);
  await page.getByRole('navigation', { name: 'Main' }).waitFor();
}

/** Drops a folder of this machine on the middle of the page, as the browser itself does it. */
export async function dropFolder({ page, cdp }: Ui, path: string): Promise<void> {
  const size = page.viewportSize() ?? { width: 0, height: 0 };
  const at = { x: size.width / 2, y: size.height / 2 };
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  await cdp.send('Input.dispatchDragEvent', { type: 'dragEnter', ...at, data });
  await cdp.send('Input.dispatchDragEvent', { type: 'dragOver', ...at, data });
  await page.getByText(/^Drop to deploy/).waitFor();
  await cdp.send('Input.dispatchDragEvent', { type: 'drop', ...at, data });
}

/** Presses Tab until the element with that name and role has the focus. @throws when it is not reached */
export async function tabTo(page: Page, role: string, name: string | RegExp): Promise<void> {
  const wanted = page.getByRole(role as 'button', { name, exact: typeof name === 'string' }).first();
  await wanted.waitFor();
  for (let presses = 0; presses < 150; presses += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach the ${role} ${name.toString()}`);
}
