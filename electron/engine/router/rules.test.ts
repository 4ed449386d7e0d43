import { describe, expect, test } from 'vitest';
import { type Answer, until } from './testbed.ts';
import { DEFAULT_RULES, type RouteRules } from './routing-table.ts';
import { bed, open } from './testing-bed.ts';

describe('maintenance', () => {
  test('every request gets the page, the dyno none, and the log the line of H80', async () => {
    await open();
    let reached = 0;
    const dyno = await bed.dyno((_request, response) => {
      reached += 1;
      response.end('app');
    });
    bed.routeWith({ maintenance: true }, [dyno]);
    const answer = await bed.ask('/a?b=1', { method: 'POST', body: 'x' });
    expect(answer.status).toBe(503);
    expect(answer.headers['slipway-error']).toBe('H80');
    expect(answer.body).toContain('Offline for maintenance');
    expect((await bed.line(/H80/)).replace(/request_id=\S+/, 'request_id=R')).toBe(
      `at=info code=H80 desc="Maintenance mode" method=POST path="/a?b=1" host=demo.localhost:${bed.port} ` +
        'request_id=R fwd="127.0.0.1" dyno= connect= service= status=503 bytes= protocol=http1.1 tls=false',
    );
    expect((await bed.ask('/', { method: 'HEAD' })).body).toBe('');
    expect(reached).toBe(0);
    bed.route([dyno]);
    expect((await bed.ask('/')).body).toBe('app');
  });

  test('counts before everything else that is to be said of the app', async () => {
    await open();
    for (const state of ['blank', 'off', 'crashed', 'starting', 'asleep'] as const) {
      bed.routeWith({ maintenance: true }, [], state);
      expect((await bed.ask('/')).headers['slipway-error']).toBe('H80');
    }
  });

  test('ends the wait of a held request, and leaves one that a dyno has', async () => {
    await open();
    bed.route([]);
    const held = bed.ask('/held');
    await until(() => bed.router.requestCounts('app-1').inFlight === 1);
    bed.routeWith({ maintenance: true }, []);
    expect((await held).headers['slipway-error']).toBe('H80');
    const waiting: (() => void)[] = [];
    const dyno = await bed.dyno((_request, response) => waiting.push(() => response.end('done')));
    bed.route([dyno]);
    const served = bed.ask('/served');
    await until(() => waiting.length === 1);
    bed.routeWith({ maintenance: true }, [dyno]);
    waiting[0]?.();
    expect((await served).body).toBe('done');
  });
});

describe('own pages', () => {
  const rules = { errorPage: '<h1>Ours: größe</h1>', maintenancePage: '<h1>Back at noon</h1>' };

  test('stand in place of the router’s, with its status', async () => {
    await open();
    bed.routeWith(rules, [], 'crashed');
    const crashed = await bed.ask('/');
    expect([crashed.status, crashed.body]).toEqual([503, rules.errorPage]);
    expect(crashed.headers).toMatchObject({ 'slipway-error': 'H10', 'content-type': /html/ });
    expect(Number(crashed.headers['content-length'])).toBe(Buffer.byteLength(rules.errorPage));
    bed.routeWith({ ...rules, maintenance: true }, [], 'crashed');
    expect((await bed.ask('/')).body).toBe(rules.maintenancePage);
    const head = await bed.ask('/', { method: 'HEAD' });
    expect(Number(head.headers['content-length'])).toBe(Buffer.byteLength(rules.maintenancePage));
  });

  test('do not stand for the app’s own errors, for bad requests, and for an app without code', async () => {
    await open();
    bed.routeWith(rules, [
      await bed.dyno((_request, response) => {
        response.writeHead(500).end('mine');
      }),
    ]);
    expect((await bed.ask('/')).body).toBe('mine');
    expect((await bed.ask('/', { headers: { expect: 'tea' } })).body).toContain('Bad request');
    bed.routeWith(rules, [], 'blank');
    expect((await bed.ask('/')).body).toContain('Nothing here yet');
  });
});

describe('domains', () => {
  const app = async (name: string, domains: readonly string[]): Promise<void> => {
    const dyno = await bed.dyno((_request, response) => response.end(name));
    const rules: RouteRules = { ...DEFAULT_RULES, domains };
    bed.router.setRoute({ appId: name, appName: name, state: 'up', backends: [dyno], rules });
  };
  const at = async (host: string): Promise<string | number> => {
    const { status, body } = await bed.ask('/', { host });
    return status === 200 ? body : status;
  };

  test('an exact name counts before a wildcard, a near wildcard before a far one', async () => {
    await open();
    await app('shop', ['www.example.com', '*.example.com']);
    await app('blog', ['blog.example.com', '*.eu.example.com', 'api.shop.localhost']);
    expect(await at('www.example.com')).toBe('shop');
    expect(await at('WWW.Example.COM.:7080')).toBe('shop');
    expect(await at('any.example.com')).toBe('shop');
    expect(await at('a.b.example.com')).toBe('shop');
    expect(await at('blog.example.com')).toBe('blog');
    expect(await at('x.eu.example.com')).toBe('blog');
    expect(await at('eu.example.com')).toBe('shop');
    expect(await at('api.shop.localhost')).toBe('blog');
    expect(await at('shop.localhost')).toBe('shop');
  });

  test('another name is no app, and says how it would become one', async () => {
    await open();
    await app('shop', ['*.example.com']);
    expect(await at('example.com')).toBe(404);
    expect(await at('notexample.com')).toBe(404);
    const answer = await bed.ask('/', { host: 'www.example.org:80' });
    expect(answer.headers['slipway-error']).toBe('no-such-app');
    expect(answer.body).toContain('slipway domains add www.example.org --app APP');
    expect((await bed.ask('/', { host: '127.0.0.1:80' })).body).toContain('slipway apps');
    expect(bed.lines.filter((line) => line.includes('example.org'))).toEqual([]);
  });

  test('a domain that is taken away or given to another app leads there at once', async () => {
    await open();
    await app('shop', ['www.example.com']);
    await app('blog', []);
    expect(await at('www.example.com')).toBe('shop');
    await app('shop', []);
    expect(await at('www.example.com')).toBe(404);
    await app('blog', ['www.example.com']);
    expect(await at('www.example.com')).toBe('blog');
    bed.router.removeRoute('blog');
    expect(await at('www.example.com')).toBe(404);
  });
});

describe('session affinity', () => {
  const pinOf = (answer: Answer): string | undefined =>
    /^(heroku-session-affinity=[\w-]+); Path=\/; Max-Age=86400; HttpOnly; SameSite=Lax$/.exec(
      answer.headers['set-cookie']?.at(-1) ?? '',
    )?.[1];

  test('a client keeps its dyno as long as that is there, then gets another and keeps that', async () => {
    await open();
    const dynos = await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        bed.dyno((_request, response) => response.setHeader('set-cookie', 'own=1').end(name)),
      ),
    );
    bed.routeWith({ affinity: true }, dynos);
    const first = await bed.ask('/');
    const cookie = pinOf(first) ?? '';
    expect(cookie).not.toBe('');
    expect(first.headers['set-cookie']?.[0]).toBe('own=1');
    const again = await Promise.all(
      Array.from({ length: 30 }, () => bed.ask('/', { headers: { cookie: `a=b; ${cookie}; c=d` } })),
    );
    expect(new Set(again.map(({ body }) => body))).toEqual(new Set([first.body]));
    expect(again.map(pinOf).filter((pin) => pin !== undefined)).toEqual([]);
    const left = dynos.filter((_dyno, index) => ['one', 'two', 'three'][index] !== first.body);
    bed.routeWith({ affinity: true }, left);
    const moved = await bed.ask('/', { headers: { cookie } });
    expect(moved.body).not.toBe(first.body);
    const next = pinOf(moved) ?? '';
    expect(next).not.toBe('');
    for (let i = 0; i < 10; i++)
      expect((await bed.ask('/', { headers: { cookie: next } })).body).toBe(moved.body);
  });

  test('a cookie that nobody gave is worth nothing, and without the rule none is given', async () => {
    await open();
    const dyno = await bed.dyno((request, response) => response.end(request.headers.cookie ?? ''));
    bed.routeWith({ affinity: true }, [dyno]);
    expect(
      pinOf(await bed.ask('/', { headers: { cookie: 'heroku-session-affinity=made-up' } })),
    ).toBeDefined();
    expect(pinOf(await bed.ask('/', { headers: { cookie: 'x-heroku-session-affinity=a' } }))).toBeDefined();
    bed.route([dyno]);
    expect((await bed.ask('/')).headers['set-cookie']).toBeUndefined();
  });
});

test('the less busy of two dynos is chosen, where the rule says so', async () => {
  await open();
  const held: (() => void)[] = [];
  const busy = await bed.dyno((_request, response) => held.push(() => response.end('busy')));
  const calm = await bed.dyno((_request, response) => response.end('calm'));
  bed.routeWith({ choice: 'least-busy-of-two' }, [busy]);
  const waiting = bed.ask('/');
  await until(() => held.length === 1);
  bed.routeWith({ choice: 'least-busy-of-two' }, [busy, calm]);
  for (let i = 0; i < 30; i++) expect((await bed.ask('/')).body).toBe('calm');
  for (const run of held) run();
  expect((await waiting).body).toBe('busy');
});
