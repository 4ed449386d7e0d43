import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, logLines, startHost, waitFor } from '../e2e/support/host.ts';
import { goTo, openBrowser, openUi, type Ui, whyNoChromium } from './support/browser.ts';
import { deployTalker } from './support/talker.ts';

const APP = 'doorway';

describe.skipIf(whyNoChromium() !== null)('routing of an app', () => {
  let host: Host;
  let browser: Browser;
  let ui: Ui;
  let trusting: Browser | null = null;

  beforeAll(async () => {
    host = await startHost({ SLIPWAY_RUNTIME: 'process' });
    browser = await openBrowser();
    await deployTalker(host, APP);
    await host.client.call('apps.create', { name: 'neighbour' });
    ui = await openUi(browser, host, { path: `/apps/${APP}/routing` });
  });
  afterAll(async () => {
    await trusting?.close();
    await browser?.close();
    for (const app of [APP, 'neighbour'])
      await host?.client.call('apps.destroy', { app, confirm: app }).catch(() => undefined);
    await host?.stop();
  });

  it('maintenance is switched on, told on every screen of the app, and ended there', async () => {
    const { page } = ui;
    await page.getByLabel('Answer every request with the page for maintenance').check();
    const banner = page.getByRole('status', { name: 'Maintenance' });
    await banner.getByText(`${APP} is offline for maintenance.`).waitFor();
    await waitFor('maintenance', async () => (await ask(host)).status === 503);
    expect((await ask(host)).code).toBe('H80');
    await goTo(page, `/apps/${APP}`);
    await banner.waitFor();
    await banner.getByRole('button', { name: 'End maintenance' }).click();
    await banner.waitFor({ state: 'detached' });
    await waitFor('its end', async () => (await ask(host)).status === 200);
    const lines = await logLines(host, APP);
    expect(lines.filter((line) => line.includes('maintenance mode')).map(textOf)).toEqual([
      expect.stringMatching(/^app\[api\]: Enable maintenance mode by user /),
      expect.stringMatching(/^app\[api\]: Disable maintenance mode by user /),
    ]);
    expect(ui.problems).toEqual([]);
  });

  it('domains are added and removed; one that another app has is refused', async () => {
    const { page } = ui;
    await host.client.call('domains.add', { app: 'neighbour', hostname: 'taken.example.com' });
    await goTo(page, `/apps/${APP}/routing`);
    const list = page.getByRole('list', { name: 'Domains' });
    const add = async (hostname: string): Promise<void> => {
      await page.getByRole('textbox', { name: 'Domain' }).fill(hostname);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
    };
    await add('www.example.com');
    await list.getByText('127.0.0.1 www.example.com').waitFor();
    await add('*.shop.localhost');
    await list.getByText('*.shop.localhost').waitFor();
    expect((await ask(host, 'www.example.com')).status).toBe(200);
    expect((await ask(host, 'any.shop.localhost')).status).toBe(200);
    await add('taken.example.com');
    await page.getByText('taken.example.com is a domain of neighbour already.').first().waitFor();
    await page.getByRole('textbox', { name: 'Domain' }).fill('shop.localhost');
    await page.getByText('NAME.localhost is the address of the app of that name').waitFor();
    await list.getByRole('button', { name: 'Remove www.example.com' }).click();
    await list.getByText('127.0.0.1 www.example.com').waitFor({ state: 'detached' });
    expect((await ask(host, 'www.example.com')).code).toBe('no-such-app');
    expect(ui.problems).toEqual([]);
  });

  it('the overview says what the router has done for the app', async () => {
    const { page } = ui;
    await goTo(page, `/apps/${APP}`);
    const figures = page.getByLabel('Requests', { exact: true });
    await figures.getByText('p99').waitFor();
    const counted = async (): Promise<number> =>
      Number(
        await figures
          .locator('div', { has: page.getByText('2xx', { exact: true }) })
          .locator('dd')
          .textContent(),
      );
    const before = await counted();
    expect(before).toBeGreaterThan(0);
    await ask(host);
    await waitFor('the next figure', async () => (await counted()) > before);
    await goTo(page, `/apps/${APP}/routing`);
  });

  it('says how the app’s own pages stand, and how dynos are chosen', async () => {
    const { page } = ui;
    const html = '<h1>Ours</h1>';
    await host.client.call('config.update', {
      app: APP,
      change: { MAINTENANCE_PAGE_URL: `data:text/html,${html}`, ERROR_PAGE_URL: 'file:///nowhere/oops.html' },
    });
    const pages = page.getByRole('list', { name: 'Pages' });
    await pages.getByText('13 B, fetched just now').waitFor();
    await pages.getByText('the file cannot be read (ENOENT)').waitFor();
    await host.client.call('apps.update', { app: APP, maintenance: true });
    expect((await ask(host)).body).toBe(html);
    await page.getByText('Less busy of two').click();
    await page.getByLabel('A client keeps its dyno (session affinity)').check();
    await waitFor('both options', async () => {
      const { options } = await host.client.call('apps.get', { app: APP });
      return options.dynoChoice === 'least-busy-of-two' && options.sessionAffinity;
    });
    await host.client.call('apps.update', { app: APP, maintenance: false });
    await waitFor('its end', async () => (await ask(host)).status === 200);
    expect((await ask(host)).cookie).toMatch(/^heroku-session-affinity=/);
    expect(ui.problems).toEqual([]);
  });

  it('HTTPS is switched on in the settings, which say how to trust it', async () => {
    const { page, problems } = await openUi(browser, host, { path: '/settings' });
    const panel = page.getByRole('region', { name: 'HTTPS' });
    await panel.getByText('Nothing is told to trust it').waitFor();
    await panel.getByLabel('By HTTPS and HTTP/2 as well').check();
    await panel.getByText(/^https:\/\/APP\.localhost:\d+$/).waitFor();
    await panel.getByRole('button', { name: 'Show commands' }).click();
    await panel.getByText('Chromium and Chrome of your account').waitFor();
    const { authority } = await host.client.call('system.https', {});
    expect(authority?.path).toBe(`${host.home}/https/authority.pem`);
    await panel.getByText(authority?.fingerprint ?? 'none').waitFor();
    expect(problems).toEqual([]);
  });

  it('HTTPS serves an app to a browser that trusts the authority, by HTTP/2; another browser refuses', async () => {
    const { routerTlsUrl } = await host.client.call('system.info', {});
    const url = (routerTlsUrl ?? 'none').replace('localhost', `${APP}.localhost`);
    const pem = await readFile(`${host.home}/https/authority.pem`);
    const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
    const hash = createHash('sha256').update(key).digest('base64');
    trusting = await openBrowser([`--ignore-certificate-errors-spki-list=${hash}`]);
    const page = await trusting.newPage();
    const answer = await page.goto(url);
    expect(answer?.status()).toBe(200);
    expect(
      await page.evaluate(() => {
        const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
        return [isSecureContext, entry?.nextHopProtocol];
      }),
    ).toEqual([true, 'h2']);
    await waitFor('the line of the log', async () =>
      (await logLines(host, APP)).some((line) => / status=200 .* protocol=http2\.0 tls=true /.test(line)),
    );
    const other = await browser.newPage();
    await expect(other.goto(url)).rejects.toThrow('ERR_CERT_AUTHORITY_INVALID');
    await other.close();
  });
});

function textOf(line: string): string {
  return line.slice(line.indexOf(' ') + 1);
}

interface Answer {
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly cookie: string | undefined;
  readonly body: string;
}

/** A request through the router. */
function ask({ routerPort }: Host, name = `${APP}.localhost`): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${name}:${routerPort}` };
    request({ host: '127.0.0.1', port: routerPort, path: '/', headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => {
        const code = response.headers['slipway-error'];
        const { statusCode: status } = response;
        const cookie = response.headers['set-cookie']?.[0];
        resolve({ status, code: typeof code === 'string' ? code : undefined, cookie, body });
      });
    })
      .on('error', reject)
      .end();
  });
}
