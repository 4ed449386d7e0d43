import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SlipwayError } from '#shared/errors.ts';
import { DomainName } from '#shared/model/domain.ts';
import { ReleaseLedger } from '../release/ledger.ts';
import type { Route } from '../router/routing-table.ts';
import type { AppRow } from '../store/rows.ts';
import { Store } from '../store/store.ts';
import { systemClock } from '../util/clock.ts';
import { FactHub } from '../util/facts.ts';
import { CustomPages } from './custom-pages.ts';
import { Domains } from './domains.ts';
import { PAGE_MAX_BYTES } from './fetch-page.ts';
import { RuleBook } from './rule-book.ts';

let folder: string;
let store: Store;
let ledger: ReleaseLedger;
let facts: FactHub;
let routes: Route[];
let logged: string[];
let server: Server;
let answer: RequestListener;
const open: CustomPages[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-routing-'));
  store = new Store(join(folder, 'slipway.db'));
  ledger = new ReleaseLedger(store, systemClock);
  facts = new FactHub();
  routes = [];
  logged = [];
  answer = (_request, response) => response.setHeader('content-type', 'text/html').end('<p>page</p>');
  server = createServer((request, response) => {
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const pages of open.splice(0)) pages.close();
  server.closeAllConnections();
  server.close();
  store.close();
  await rm(folder, { recursive: true });
});

function makeApp(name: string): AppRow {
  const createdAt = new Date().toISOString();
  const app = { id: `id-${name}`, name, stack: 's', folder: null, serving: null, createdAt };
  store.insertApp(app);
  ledger.begin(app, 'somebody');
  return store.findApp(name) ?? expect.fail('no app');
}

function system(): { pages: CustomPages; rules: RuleBook; domains: Domains } {
  const router = {
    setRoute: (route: Route) => void routes.push(route),
    removeRoute: () => undefined,
    drained: () => Promise.resolve(),
  };
  const pages: CustomPages = new CustomPages({
    ...{ folder: join(folder, 'pages'), store, clock: systemClock, facts },
    onChange: (appId) => {
      rules.changed(appId);
    },
    log: (_appId, text) => logged.push(text),
    onProblem: (what, error) => expect.fail(`${what}: ${String(error)}`),
  });
  open.push(pages);
  const rules = new RuleBook({ router, store, pages: (appId) => pages.of(appId) });
  const domains = new Domains({
    ...{ store, clock: systemClock },
    onChange: (appId) => {
      rules.changed(appId);
    },
  });
  return { pages, rules, domains };
}

/** Waits until it holds, on a busy machine as well. */
function soon<Value>(read: () => Value): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(read, { timeout: 20_000 });
}

const bare = (app: AppRow): Route => ({ appId: app.id, appName: app.name, state: 'off', backends: [] });
const urlOf = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

function setPage(app: AppRow, url: string | null): void {
  ledger.configure(app.id, { ERROR_PAGE_URL: url }, 'somebody');
  facts.publish({ kind: 'release.created', app: app.id, version: 1 });
}

describe('rule book', () => {
  test('adds to a route what was set, and hands it on again when that changes', () => {
    const app = makeApp('shop');
    const { rules } = system();
    rules.setRoute(bare(app));
    expect(routes.at(-1)?.rules).toMatchObject({ maintenance: false, choice: 'random', affinity: false });
    const options = { ...app.options, maintenance: true, sessionAffinity: true };
    store.setAppOptions(app.id, { ...options, dynoChoice: 'least-busy-of-two' });
    rules.changed(app.id);
    expect(routes.at(-1)).toMatchObject({
      ...bare(app),
      rules: { maintenance: true, choice: 'least-busy-of-two', affinity: true },
    });
    const told = routes.length;
    rules.removeRoute(app.id);
    rules.changed(app.id);
    expect(routes).toHaveLength(told);
  });
});

describe('domains', () => {
  test('belong to one app, until it gives them back or is destroyed', () => {
    const [shop, blog] = [makeApp('shop'), makeApp('blog')];
    const { rules, domains } = system();
    rules.setRoute(bare(shop));
    const added = domains.add(shop, 'www.example.com');
    expect(routes.at(-1)?.rules?.domains).toEqual(['www.example.com']);
    expect(() => domains.add(blog, 'www.example.com')).toThrow(/is a domain of shop already/);
    expect(() => domains.remove(blog, 'www.example.com')).toThrow(SlipwayError);
    domains.remove(shop, added.id);
    expect(routes.at(-1)?.rules?.domains).toEqual([]);
    domains.add(blog, 'www.example.com');
    store.markDestroyed(blog.id, new Date().toISOString());
    domains.add(shop, 'www.example.com');
    expect(domains.list(shop.id).map(({ hostname }) => hostname)).toEqual(['www.example.com']);
  });

  test.each([
    ['www.example.com', true],
    [' WWW.Example.COM ', true],
    ['*.example.com', true],
    ['xn--bcher-kva.example', true],
    ['api.shop.localhost', true],
    ['*.shop.localhost', true],
    ['shop.localhost', false],
    ['*.localhost', false],
    ['localhost', false],
    ['example', false],
    ['127.0.0.1', false],
    ['a.*.com', false],
    ['-a.example.com', false],
    ['a_b.example.com', false],
    ['www.example.com:80', false],
    ['http://www.example.com', false],
    ['bücher.example', false],
    [`${'a'.repeat(64)}.example.com`, false],
  ])('%s is a domain: %s', (name, good) => {
    expect(DomainName.safeParse(name).success).toBe(good);
  });
});

describe('own pages', () => {
  const html = (pages: CustomPages, app: AppRow): string | null => pages.of(app.id).error;

  test('come from the web, from a file and out of the address, when the config names them', async () => {
    const app = makeApp('shop');
    const { pages, rules } = system();
    await pages.start();
    rules.setRoute(bare(app));
    setPage(app, urlOf('/oops'));
    await soon(() => html(pages, app)).toBe('<p>page</p>');
    expect(routes.at(-1)?.rules?.errorPage).toBe('<p>page</p>');
    const file = join(folder, 'ours.html');
    await writeFile(file, '<p>größe</p>');
    setPage(app, pathToFileURL(file).href);
    await soon(() => html(pages, app)).toBe('<p>größe</p>');
    setPage(app, 'data:text/html,<p>offline</p>');
    await soon(() => html(pages, app)).toBe('<p>offline</p>');
    setPage(app, null);
    await soon(() => html(pages, app)).toBeNull();
    expect(pages.list(app.id)[0]).toMatchObject({ variable: 'ERROR_PAGE_URL', url: null, bytes: null });
  });

  test('the last copy serves on when the place is gone, and for the next engine', async () => {
    const app = makeApp('shop');
    const first = system();
    await first.pages.start();
    setPage(app, urlOf('/oops'));
    await soon(() => html(first.pages, app)).toBe('<p>page</p>');
    answer = (_request, response) => response.writeHead(404).end();
    const [page] = await first.pages.refresh(app.id);
    expect(page).toMatchObject({ problem: 'the server answered 404', bytes: 11, fetching: false });
    expect(html(first.pages, app)).toBe('<p>page</p>');
    expect(logged).toEqual(['ERROR_PAGE_URL brought no page: the server answered 404']);
    first.pages.close();
    const next = system();
    await next.pages.start();
    expect(html(next.pages, app)).toBe('<p>page</p>');
    await next.pages.remove(app.id);
    expect(existsSync(join(folder, 'pages', app.id))).toBe(false);
  });

  test.each([
    ['an address of another kind', () => 'ftp://example.com/x', /has to begin with/],
    ['no address', () => 'oops', /has to begin with/],
    ['a file that is not there', () => 'file:///nowhere/x.html', /cannot be read \(ENOENT\)/],
    ['a folder', () => pathToFileURL(folder).href, /no file/],
    ['nobody who listens', () => urlOf('/').replace('127.0.0.1', '127.0.0.9'), /no answer \(E/],
    ['a picture', () => urlOf('/png'), /it is image\/png, not HTML/],
    ['a page without end', () => urlOf('/endless'), /larger than 512 kB/],
    ['an empty page', () => urlOf('/empty'), /empty/],
  ])('%s brings no page and says why', async (_name, url, problem) => {
    answer = (request, response) => {
      const type = request.url === '/png' ? 'image/png' : 'text/html';
      response.writeHead(200, { 'content-type': type });
      if (request.url === '/endless') response.write('x'.repeat(PAGE_MAX_BYTES + 1));
      else response.end();
    };
    const app = makeApp('shop');
    const { pages } = system();
    await pages.start();
    setPage(app, url());
    await soon(() => pages.list(app.id)[0]?.problem).toMatch(problem);
    expect(html(pages, app)).toBeNull();
  });

  test('what was asked for last counts, whichever comes first', async () => {
    const app = makeApp('shop');
    const { pages } = system();
    await pages.start();
    const slow: (() => void)[] = [];
    answer = (request, response) => {
      const send = (): void => void response.setHeader('content-type', 'text/html').end(request.url);
      if (request.url === '/slow') slow.push(send);
      else send();
    };
    setPage(app, urlOf('/slow'));
    await soon(() => slow.length).toBe(1);
    setPage(app, urlOf('/quick'));
    await soon(() => html(pages, app)).toBe('/quick');
    for (const send of slow) send();
    await pages.refresh(app.id);
    expect(html(pages, app)).toBe('/quick');
  });
});
