import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../util/clock.ts';
import type { RouterLimits } from './limits.ts';
import { createRouter } from './router.ts';
import { bed, open } from './testing-bed.ts';
import { deadBackend, until } from './testbed.ts';

describe('attempts to connect', () => {
  /** A router that always tries the first dyno that is left. */
  const inOrder = (limits: Partial<RouterLimits> = {}): Promise<void> =>
    open(limits, undefined, (options) =>
      createRouter({ ...options, clock: { ...systemClock, random: () => 0 } }),
    );
  const alive = () => bed.dyno((_request, response) => response.end('alive'));
  const dead = (count: number) => Promise.all(Array.from({ length: count }, deadBackend));

  test('nine that refuse, and the tenth serves', async () => {
    await inOrder();
    bed.route([...(await dead(9)), await alive()]);
    expect((await bed.ask('/')).body).toBe('alive');
  });

  test('ten that refuse are enough, although an eleventh would serve; the next request finds it', async () => {
    await inOrder();
    bed.route([...(await dead(10)), await alive()]);
    expect((await bed.ask('/')).headers['slipway-error']).toBe('H21');
    expect((await bed.ask('/')).body).toBe('alive');
  });

  test('all of them together have the time of a held request', async () => {
    await inOrder({ connectMs: 300, holdMs: 200 });
    bed.route([await bed.silentDyno(), await alive()]);
    expect((await bed.ask('/')).headers['slipway-error']).toBe('H19');
  });

  test('a dyno that refused is left alone until its quarantine is over', async () => {
    await inOrder({ quarantineMs: 60_000 });
    const [gone] = await dead(1);
    if (gone === undefined) throw new Error('no dyno');
    bed.route([gone, await alive()]);
    await bed.ask('/');
    // It is there now, and nobody asks it.
    const server = createServer((_request, response) => response.end('back')).listen(
      gone.address.port,
      gone.address.host,
    );
    bed.defer(() => void server.close());
    await once(server, 'listening');
    for (let i = 0; i < 5; i++) expect((await bed.ask('/')).body).toBe('alive');
  });
});

describe('H22', () => {
  const served = `GET / HTTP/1.1\r\nHost: demo.localhost\r\n\r\n`;
  const ok = () => bed.dyno((_request, response) => response.end('ok'));

  test('is for the connection that is too many: others go on, and make room by their end', async () => {
    await open({ clientConnections: 1 });
    bed.route([await ok()]);
    const first = bed.raw(served);
    await until(() => first.received().endsWith('\r\n\r\nok'));
    const refused = await bed.raw(served).closed;
    expect(refused).toMatch(/^HTTP\/1\.1 503 [\s\S]*\r\nConnection: close\r\n/);
    first.socket.write(served);
    await until(() => first.received().split('HTTP/1.1 200 OK').length === 3);
    first.socket.destroy();
    await until(async () => (await bed.ask('/')).status === 200);
  });

  test('counts the connections of each app', async () => {
    await open({ clientConnections: 1 });
    const backends = [await ok()];
    bed.route(backends);
    bed.router.setRoute({ appId: 'other', appName: 'other', state: 'up', backends });
    const both = bed.raw(served);
    await until(() => both.received().endsWith('\r\n\r\nok'));
    expect((await bed.ask('/')).headers['slipway-error']).toBe('H22');
    both.socket.write(served.replace('demo', 'other'));
    await until(() => both.received().split('HTTP/1.1 200 OK').length === 3);
    // It belongs to the other app now.
    await until(async () => (await bed.ask('/')).status === 200);
    expect((await bed.ask('/', { host: 'other.localhost' })).headers['slipway-error']).toBe('H22');
  });
});
